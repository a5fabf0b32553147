import { streamOf } from './byte-stream.ts';
import { MalformedError } from './inspection.ts';
import type { RandomAccess } from './random-access.ts';
import { isWantedPath, type Outline } from './xgboost-outline.ts';

const MAX_DEPTH = 64;
const MAX_KEPT = 4096;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** Levels that wanted values can be in; deeper ones, the trees, are stepped over. */
const WANTED_LEVELS = 6;
/** Bytes that matter in what is stepped over: quotes and brackets. */
const NESTING = Uint8Array.from({ length: 256 }, (_, byte) =>
  '"[]{}'.includes(String.fromCharCode(byte)) ? 1 : 0,
);

interface Level {
  /** The key that the next value belongs to, or the index of the element. */
  key: string;
  index: number;
  isArray: boolean;
}

/**
 * Walks JSON text once, byte by byte, and puts the wanted scalars into `found` as it goes. Memory is bounded by the nesting;
 * values that are not wanted are stepped over without being decoded.
 */
export async function outlineJson(source: RandomAccess, found: Outline): Promise<void> {
  const stream = streamOf(source);
  const walker = new JsonWalker(found);
  while (!walker.isDone && (await stream.fill(1))) {
    const { view } = stream;
    walker.feed(view);
    stream.advance(view.length);
  }
  if (!walker.isDone) throw new MalformedError(`the JSON text ends early at byte ${stream.position}`);
}

class JsonWalker {
  readonly #found: Outline;
  readonly #levels: Level[] = [];
  #token: number[] = [];
  #state: 'structure' | 'text' | 'escape' | 'scalar' = 'structure';
  #lastText = '';
  #started = false;

  constructor(found: Outline) {
    this.#found = found;
  }

  get isDone(): boolean {
    return this.#started && this.#levels.length === 0;
  }

  feed(bytes: Buffer): void {
    for (let index = 0; index < bytes.length; index += 1) {
      if (this.#state === 'structure' && this.#levels.length > WANTED_LEVELS) {
        while (index < bytes.length - 1 && NESTING[bytes[index] ?? 0] === 0) index += 1;
        if (NESTING[bytes[index] ?? 0] === 0) continue;
      }
      const byte = bytes[index] ?? 0;
      if (this.#state === 'escape') {
        this.#keep(byte);
        this.#state = 'text';
      } else if (this.#state === 'text') {
        if (byte === QUOTE) this.#endText();
        else {
          if (byte === BACKSLASH) this.#state = 'escape';
          this.#keep(byte);
        }
      } else {
        this.#structure(byte);
        if (this.isDone) return;
      }
    }
  }

  #keep(byte: number): void {
    // Keys and values deep inside trees are never wanted: only the nesting matters there.
    if (this.#levels.length <= WANTED_LEVELS && this.#token.length < MAX_KEPT) this.#token.push(byte);
  }

  #endText(): void {
    this.#state = 'structure';
    this.#lastText = this.#takeToken();
    const level = this.#levels.at(-1);
    if (level !== undefined && level.key !== '') this.#scalar(this.#lastText);
  }

  #takeToken(): string {
    const text = Buffer.from(this.#token).toString('utf8');
    this.#token = [];
    return text;
  }

  #structure(byte: number): void {
    const isEnd = byte === 0x2c || byte === 0x7d || byte === 0x5d || byte <= 0x20;
    if (this.#state === 'scalar' && isEnd) {
      this.#state = 'structure';
      const text = this.#takeToken();
      if (text !== 'null' && text !== 'true' && text !== 'false') this.#scalar(Number(text));
    }
    if (byte <= 0x20) return;
    const level = this.#levels.at(-1);
    if (byte === QUOTE) this.#state = 'text';
    else if (byte === 0x7b || byte === 0x5b) this.#open(byte === 0x5b);
    else if (byte === 0x7d || byte === 0x5d) this.#close(byte === 0x5d);
    else if (level === undefined) throw new MalformedError('the JSON text is no object');
    else if (byte === 0x3a) level.key = this.#lastText === '' ? '\0' : this.#lastText;
    else if (byte === 0x2c) {
      level.index += 1;
      level.key = level.isArray ? String(level.index) : '';
    } else {
      this.#state = 'scalar';
      this.#keep(byte);
    }
  }

  #open(isArray: boolean): void {
    if (this.#levels.length >= MAX_DEPTH) throw new MalformedError(`nested deeper than ${MAX_DEPTH} levels`);
    this.#started = true;
    this.#levels.push({ key: isArray ? '0' : '', index: 0, isArray });
  }

  #close(isArray: boolean): void {
    if (this.#levels.pop()?.isArray !== isArray)
      throw new MalformedError('brackets of the JSON text do not match');
  }

  #scalar(value: string | number): void {
    if (this.#levels.length > WANTED_LEVELS) return;
    const path = this.#levels.map((level) => level.key).join('.');
    if (isWantedPath(path) && !(typeof value === 'number' && !Number.isFinite(value)))
      this.#found.set(path, value);
  }
}
