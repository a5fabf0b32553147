import { Cursor } from './cursor.ts';
import { LimitError, MalformedError } from './inspection.ts';
import type { RandomAccess } from './random-access.ts';
import { isWantedPath, type Outline } from './xgboost-outline.ts';

const MAX_DEPTH = 64;
const MAX_VALUES = 2_000_000;
const MAX_KEPT = 4096;
/** Bytes of the fixed-width types by marker (UBJSON draft 12; numbers are big-endian). */
const WIDTHS: Readonly<Record<string, number>> = {
  i: 1,
  U: 1,
  I: 2,
  l: 4,
  L: 8,
  d: 4,
  D: 8,
  C: 1,
  Z: 0,
  N: 0,
  T: 0,
  F: 0,
};

/** Walks Universal Binary JSON and puts the wanted scalars into `found` as it goes. */
export async function outlineUbjson(source: RandomAccess, found: Outline): Promise<void> {
  const walker = new UbjsonWalker(new Cursor(source), found);
  await walker.value(await walker.marker(), '', 0);
}

class UbjsonWalker {
  readonly #cursor: Cursor;
  readonly #found: Outline;
  #values = 0;

  constructor(cursor: Cursor, found: Outline) {
    this.#cursor = cursor;
    this.#found = found;
  }

  async marker(): Promise<string> {
    return String.fromCharCode(await this.#cursor.u8());
  }

  async value(type: string, path: string, depth: number): Promise<void> {
    this.#values += 1;
    if (this.#values > MAX_VALUES) throw new LimitError(`more than ${MAX_VALUES} values`);
    if (depth > MAX_DEPTH) throw new MalformedError(`nested deeper than ${MAX_DEPTH} levels`);
    if (type === '{') return this.#object(path, depth);
    if (type === '[') return this.#array(path, depth);
    if (type === 'S' || type === 'H') {
      const text = await this.#text(isWantedPath(path));
      if (text !== undefined) this.#found.set(path, text);
      return;
    }
    const width = WIDTHS[type];
    if (width === undefined)
      throw new MalformedError(`value type ${JSON.stringify(type)} at byte ${this.#cursor.position}`);
    if (isWantedPath(path) && width > 0) this.#found.set(path, number(type, await this.#cursor.bytes(width)));
    else this.#cursor.skip(width);
  }

  async #object(path: string, depth: number): Promise<void> {
    const { type, count } = await this.#sizes();
    let marker = count === undefined ? await this.marker() : '';
    for (let index = 0; count === undefined ? marker !== '}' : index < count; index += 1) {
      const key = (await this.#key(count === undefined ? marker : await this.marker())) ?? '';
      await this.value(type ?? (await this.marker()), path === '' ? key : `${path}.${key}`, depth + 1);
      if (count === undefined) marker = await this.marker();
    }
  }

  async #array(path: string, depth: number): Promise<void> {
    const { type, count } = await this.#sizes();
    const width = type === undefined ? undefined : WIDTHS[type];
    if (count !== undefined && width !== undefined && !path.startsWith('version')) {
      this.#cursor.skip(count * width);
      return;
    }
    let marker = count === undefined ? await this.marker() : '';
    for (let index = 0; count === undefined ? marker !== ']' : index < count; index += 1) {
      await this.value(
        type ?? (count === undefined ? marker : await this.marker()),
        `${path}.${index}`,
        depth + 1,
      );
      if (count === undefined) marker = await this.marker();
    }
  }

  /** The optional `$` type and `#` count of a container; the cursor stays where neither is there. */
  async #sizes(): Promise<{ type?: string; count?: number }> {
    const start = this.#cursor.position;
    const first = await this.marker();
    if (first === '$') {
      const type = await this.marker();
      if ((await this.marker()) !== '#')
        throw new MalformedError(`a typed container without a count at byte ${start}`);
      return { type, count: await this.#length(await this.marker()) };
    }
    if (first === '#') return { count: await this.#length(await this.marker()) };
    this.#cursor.position = start;
    return {};
  }

  async #length(type: string): Promise<number> {
    const width = WIDTHS[type];
    if (width === undefined || !'iUIlL'.includes(type))
      throw new MalformedError(`a length of type ${JSON.stringify(type)}`);
    const length = number(type, await this.#cursor.bytes(width));
    if (!Number.isSafeInteger(length) || length < 0) throw new MalformedError(`a length of ${length}`);
    return length;
  }

  async #key(type: string): Promise<string | undefined> {
    return this.#counted(await this.#length(type), true);
  }

  async #text(keep: boolean): Promise<string | undefined> {
    return this.#counted(await this.#length(await this.marker()), keep);
  }

  async #counted(length: number, keep: boolean): Promise<string | undefined> {
    if (keep && length <= MAX_KEPT) return (await this.#cursor.bytes(length)).toString('utf8');
    this.#cursor.skip(length);
    return undefined;
  }
}

function number(type: string, bytes: Buffer): number {
  if (type === 'd') return bytes.readFloatBE(0);
  if (type === 'D') return bytes.readDoubleBE(0);
  if (type === 'L') return Number(bytes.readBigInt64BE(0));
  return type === 'U' || type === 'C' ? bytes.readUInt8(0) : bytes.readIntBE(0, bytes.length);
}
