import { newDraft, MalformedError, settle, type Draft } from './inspection.ts';
import { isObject, parseObject } from './json-text.ts';
import { countJson, Histogram, printable } from './printable.ts';
import type { RandomAccess } from './random-access.ts';

/** Header bytes that are read at most; the reference implementation allows 100 MB. */
export const MAX_SAFETENSORS_HEADER = 25 * 1024 * 1024;

/** Bits per element (safetensors `Dtype`). */
const BITS: ReadonlyMap<string, number> = new Map(
  `F4 4|F6_E2M3 6|F6_E3M2 6|BOOL 8|U8 8|I8 8|F8_E5M2 8|F8_E4M3 8|F8_E8M0 8|I16 16|U16 16|F16 16|BF16 16|I32 32|U32 32|F32 32
|C64 64|F64 64|I64 64|U64 64`
    .replaceAll('\n', '')
    .split('|')
    .map((row): [string, number] => {
      const [name = '', bits = ''] = row.split(' ');
      return [name, Number(bits)];
    }),
);

/** True for content that no other loader reads: a small little-endian length followed by `{`. */
export function looksLikeSafetensors(start: Buffer): boolean {
  return start.length >= 9 && start.readUInt32LE(4) === 0 && start[8] === 0x7b;
}

/** Checks the whole header of a safetensors file; the tensors themselves are not read. */
export async function inspectSafetensors(source: RandomAccess): Promise<Draft> {
  return settle(newDraft('safetensors', 'safetensors'), async (draft) => {
    const length = Number((await source.read(0, 8)).readBigUInt64LE(0));
    if (length > MAX_SAFETENSORS_HEADER)
      throw new MalformedError(`the header has ${length} bytes, the limit is ${MAX_SAFETENSORS_HEADER}`);
    if (length + 8 > source.size)
      throw new MalformedError(`the header has ${length} bytes, the file only ${source.size}`);
    const header = parseObject(await source.read(8, length), 'header', 8);
    const tensors: Tensor[] = [];
    for (const [name, entry] of Object.entries(header)) {
      if (name === '__metadata__') readMetadata(draft, entry);
      else tensors.push(readTensor(name, entry));
    }
    describe(draft, tensors);
    checkLayout(tensors, BigInt(source.size - 8 - length));
  });
}

interface Tensor {
  name: string;
  dtype: string;
  elements: bigint;
  start: bigint;
  end: bigint;
}

function readMetadata(draft: Draft, entry: unknown): void {
  if (!isObject(entry)) throw new MalformedError('__metadata__ is no object');
  for (const [key, value] of Object.entries(entry)) {
    if (typeof value !== 'string') throw new MalformedError(`__metadata__ ${printable(key)} is no string`);
  }
  const { format } = entry;
  if (typeof format === 'string') draft.details['tensorFormat'] = printable(format);
}

function readTensor(name: string, entry: unknown): Tensor {
  const where = `tensor ${printable(name)}`;
  if (!isObject(entry)) throw new MalformedError(`${where} is no object`);
  const { dtype, shape, data_offsets: offsets, ...rest } = entry;
  const extra = Object.keys(rest)[0];
  if (extra !== undefined) throw new MalformedError(`${where} has the unknown key ${printable(extra)}`);
  if (typeof dtype !== 'string') throw new MalformedError(`${where} has no dtype`);
  const bits = BITS.get(dtype);
  if (bits === undefined) throw new MalformedError(`${where} has the unknown dtype ${printable(dtype)}`);
  const [start, end, tooMany] = counts(offsets, `${where} data_offsets`);
  if (start === undefined || end === undefined || tooMany !== undefined) {
    throw new MalformedError(`${where} needs two data_offsets`);
  }
  const elements = counts(shape, `${where} shape`).reduce((product, size) => product * size, 1n);
  const size = elements * BigInt(bits);
  if (size % 8n !== 0n) throw new MalformedError(`${where} does not fill whole bytes`);
  if (end - start !== size / 8n) {
    throw new MalformedError(`${where} has ${end - start} bytes, its shape and dtype need ${size / 8n}`);
  }
  return { name, dtype, elements, start, end };
}

/** Non-negative integers that JSON carries exactly; products of them are taken as BigInt and can't overflow. */
function counts(value: unknown, where: string): bigint[] {
  if (!Array.isArray(value) || value.length > 64) throw new MalformedError(`${where} is no list of sizes`);
  return value.map((item: unknown) => {
    if (typeof item !== 'number' || !Number.isSafeInteger(item) || item < 0) {
      throw new MalformedError(`${where} holds something that is no size`);
    }
    return BigInt(item);
  });
}

function describe(draft: Draft, tensors: readonly Tensor[]): void {
  const dtypes = new Histogram();
  let parameters = 0n;
  for (const tensor of tensors) {
    dtypes.add(tensor.dtype);
    parameters += tensor.elements;
  }
  draft.details['tensors'] = tensors.length;
  draft.details['dtypes'] = dtypes.toJson();
  draft.details['parameters'] = countJson(parameters);
}

/** Tensors must fill the data section without holes or overlaps: hidden bytes would allow a polyglot file. */
function checkLayout(tensors: readonly Tensor[], dataBytes: bigint): void {
  let expected = 0n;
  const ordered = tensors.toSorted((a, b) =>
    a.start === b.start ? Number(a.end - b.end) : Number(a.start - b.start),
  );
  for (const { name, start, end } of ordered) {
    if (start !== expected) {
      throw new MalformedError(
        `tensor ${printable(name)} starts at ${start}, not at ${expected}: hole or overlap`,
      );
    }
    expected = end;
  }
  if (expected !== dataBytes)
    throw new MalformedError(`tensors end at ${expected}, the data has ${dataBytes} bytes`);
}
