import { Cursor } from './cursor.ts';
import { GGML_TYPES, GGUF_FILE_TYPES } from './gguf-types.ts';
import { LimitError, MalformedError, newDraft, settle, type Draft } from './inspection.ts';
import { countJson, Histogram, printable } from './printable.ts';
import type { RandomAccess } from './random-access.ts';

const MAX_KEY_VALUES = 100_000;
const MAX_TENSORS = 10_000_000;
const MAX_TENSORS_READ = 100_000;
const MAX_STRING = 10 * 1024 * 1024;
const MAX_ARRAY = 1_000_000;
const MAX_ARRAY_DEPTH = 4;
const MAX_DIMENSIONS = 8;
const MAX_DIMENSION = 1n << 32n;

/** Bytes of the fixed-width metadata types; 8 is a string, 9 an array. */
const WIDTHS: readonly (number | undefined)[] = [1, 1, 2, 2, 4, 4, 4, 1, undefined, undefined, 8, 8, 8];
const STRING = 8;
const ARRAY = 9;

type Scalar = string | bigint;

/** Reads the metadata and the tensor table of a GGUF file (versions 1 to 3, little-endian); tensors are not read. */
export async function inspectGguf(source: RandomAccess): Promise<Draft> {
  return settle(newDraft('gguf', 'gguf'), async (draft) => {
    const cursor = new Cursor(source, 4);
    const version = await cursor.u32();
    if (version >= 1 << 16 && version % (1 << 16) === 0) throw new LimitError('the file is big-endian');
    draft.details['version'] = version;
    if (version < 1 || version > 3) throw new MalformedError(`version ${version}`);
    const reader = new GgufReader(cursor, version);
    const tensors = await reader.length(MAX_TENSORS, 'tensors');
    draft.details['tensors'] = tensors;
    const values = await reader.keyValues(await reader.length(MAX_KEY_VALUES, 'metadata entries'));
    describeValues(draft, values);
    await reader.tensors({
      draft,
      count: tensors,
      size: source.size,
      alignment: values.get('general.alignment'),
    });
  });
}

function describeValues(draft: Draft, values: ReadonlyMap<string, Scalar>): void {
  const { details } = draft;
  const architecture = values.get('general.architecture');
  const set = (key: string, value: Scalar | undefined): void => {
    if (value !== undefined) details[key] = typeof value === 'string' ? printable(value) : countJson(value);
  };
  set('architecture', architecture);
  set('modelName', values.get('general.name'));
  set('license', values.get('general.license'));
  set('contextLength', values.get(`${String(architecture)}.context_length`));
  set('blocks', values.get(`${String(architecture)}.block_count`));
  const fileType = values.get('general.file_type');
  if (typeof fileType === 'bigint')
    details['fileType'] = GGUF_FILE_TYPES.get(Number(fileType)) ?? countJson(fileType);
}

interface TensorTable {
  draft: Draft;
  count: number;
  size: number;
  alignment: Scalar | undefined;
}

class GgufReader {
  readonly #cursor: Cursor;
  readonly #version: number;

  constructor(cursor: Cursor, version: number) {
    this.#cursor = cursor;
    this.#version = version;
  }

  /** A count or length: 32 bits in version 1, else 64. */
  async length(max: number, what: string): Promise<number> {
    const length = this.#version === 1 ? BigInt(await this.#cursor.u32()) : await this.#cursor.u64();
    if (length > BigInt(max)) throw new MalformedError(`${length} ${what}, the limit is ${max}`);
    return Number(length);
  }

  async keyValues(count: number): Promise<Map<string, Scalar>> {
    const keys = new Set<string>();
    const values = new Map<string, Scalar>();
    for (let index = 0; index < count; index += 1) {
      const key = await this.#text(65_535);
      if (keys.has(key)) throw new MalformedError(`the key ${printable(key)} occurs twice`);
      keys.add(key);
      const value = await this.#value(await this.#cursor.u32(), 0);
      if (value !== undefined) values.set(key, value);
    }
    return values;
  }

  async tensors({ draft, count, size, alignment = 32n }: TensorTable): Promise<void> {
    const dtypes = new Histogram();
    const names = new Set<string>();
    let parameters = 0n;
    let end = 0n;
    for (let index = 0; index < count; index += 1) {
      if (index >= MAX_TENSORS_READ) throw new LimitError(`more than ${MAX_TENSORS_READ} tensors`);
      const name = await this.#text(65_535);
      if (names.has(name)) throw new MalformedError(`the tensor ${printable(name)} occurs twice`);
      names.add(name);
      const elements = await this.#elements(name);
      const type = await this.#cursor.u32();
      const offset = await this.#cursor.u64();
      const info = GGML_TYPES.get(type);
      dtypes.add(info?.name ?? `type ${type}`);
      parameters += elements;
      const bytes = info === undefined ? 0n : ((elements + info.block - 1n) / info.block) * info.bytes;
      if (offset + bytes > end) end = offset + bytes;
    }
    draft.details['dtypes'] = dtypes.toJson();
    draft.details['parameters'] = countJson(parameters);
    if (typeof alignment !== 'bigint' || alignment < 1n)
      throw new MalformedError('general.alignment is no positive number');
    const start = ((BigInt(this.#cursor.position) + alignment - 1n) / alignment) * alignment;
    if (count > 0 && start + end > BigInt(size))
      throw new MalformedError(`the tensors need ${start + end} bytes, the file has ${size}`);
  }

  async #elements(name: string): Promise<bigint> {
    const dimensions = await this.#cursor.u32();
    if (dimensions > MAX_DIMENSIONS)
      throw new MalformedError(`tensor ${printable(name)} has ${dimensions} dimensions`);
    let elements = 1n;
    for (let index = 0; index < dimensions; index += 1) {
      const size = this.#version === 1 ? BigInt(await this.#cursor.u32()) : await this.#cursor.u64();
      if (size > MAX_DIMENSION)
        throw new MalformedError(`tensor ${printable(name)} has a dimension of ${size}`);
      elements *= size;
    }
    return elements;
  }

  async #text(max: number): Promise<string> {
    return (await this.#cursor.bytes(await this.length(max, 'bytes in a string'))).toString('utf8');
  }

  /** A scalar, or undefined for arrays, floating-point numbers and long strings, which are stepped over. */
  async #value(type: number, depth: number): Promise<Scalar | undefined> {
    if (type === STRING) {
      const length = await this.length(MAX_STRING, 'bytes in a string');
      if (length <= 4096) return (await this.#cursor.bytes(length)).toString('utf8');
      this.#cursor.skip(length);
      return undefined;
    }
    if (type === ARRAY) {
      await this.#array(depth + 1);
      return undefined;
    }
    const width = WIDTHS[type];
    if (width === undefined) throw new MalformedError(`metadata type ${type}`);
    const bytes = await this.#cursor.bytes(width);
    if (type === 6 || type === 12) return undefined;
    return integer(bytes, type === 1 || type === 3 || type === 5 || type === 11);
  }

  async #array(depth: number): Promise<void> {
    if (depth > MAX_ARRAY_DEPTH)
      throw new MalformedError(`arrays nested deeper than ${MAX_ARRAY_DEPTH} levels`);
    const type = await this.#cursor.u32();
    const count = await this.length(MAX_ARRAY, 'elements in an array');
    const width = WIDTHS[type];
    if (width !== undefined) {
      this.#cursor.skip(width * count);
      return;
    }
    for (let index = 0; index < count; index += 1) {
      if (type === STRING) this.#cursor.skip(await this.length(MAX_STRING, 'bytes in a string'));
      else await this.#value(type, depth);
    }
  }
}

function integer(bytes: Buffer, isSigned: boolean): bigint {
  if (bytes.length === 8) return isSigned ? bytes.readBigInt64LE(0) : bytes.readBigUInt64LE(0);
  return BigInt(isSigned ? bytes.readIntLE(0, bytes.length) : bytes.readUIntLE(0, bytes.length));
}
