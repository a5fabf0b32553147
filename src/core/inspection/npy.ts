import { MalformedError, newDraft, settle, type Draft } from './inspection.ts';
import { streamOf, type ByteStream } from './byte-stream.ts';
import { warnOfImports } from './pickle/describe.ts';
import { readPickles, warnOfStructure } from './pickle/read-pickle.ts';
import { printable } from './printable.ts';
import type { RandomAccess } from './random-access.ts';

const MAX_HEADER = 64 * 1024;

export interface NpyHeader {
  /** numpy's type string such as `<f8`, or `structured`. */
  dtype: string;
  shape: number[];
  /** The elements are a pickle. */
  hasObjects: boolean;
  dataOffset: number;
}

/** Reads the header of a `.npy` file; the elements only when they are a pickle. */
export async function inspectNpy(source: RandomAccess): Promise<Draft> {
  return settle(newDraft('npy', 'numpy'), async (draft) => {
    const header = await readNpyHeader(source);
    draft.details['dtype'] = printable(header.dtype);
    draft.details['shape'] = header.shape;
    if (!header.hasObjects) return checkSize(header, source.size);
    await warnOfObjects(draft, streamOf(source, header.dataOffset));
  });
}

/** The warnings for an object array, whose elements are a pickle. */
export async function warnOfObjects(draft: Draft, data: ByteStream): Promise<void> {
  draft.warnings.push('holds Python objects as a pickle');
  const report = await readPickles(data);
  warnOfImports(draft, report);
  warnOfStructure(draft, report);
}

/**
 * Parses the header dictionary by its own grammar, a small part of Python literals.
 *
 * @throws MalformedError
 */
export async function readNpyHeader(source: RandomAccess): Promise<NpyHeader> {
  const start = await source.read(0, 12 > source.size ? 10 : 12);
  const major = start[6] ?? 0;
  if (major < 1 || major > 3) throw new MalformedError(`npy version ${major}`);
  const length = major === 1 ? start.readUInt16LE(8) : start.readUInt32LE(8);
  if (length > MAX_HEADER)
    throw new MalformedError(`the header has ${length} bytes, the limit is ${MAX_HEADER}`);
  const offset = major === 1 ? 10 : 12;
  const text = (await source.read(offset, length)).toString(major === 3 ? 'utf8' : 'latin1');
  const shape = /'shape': *\(([0-9, ]*)\)/.exec(text)?.[1];
  const simple = /'descr': *'([^']{1,64})'/.exec(text)?.[1];
  const isStructured = simple === undefined && /'descr': *\[/.test(text);
  if (shape === undefined || (simple === undefined && !isStructured))
    throw new MalformedError('the header names no dtype and shape');
  const sizes = shape.split(',').flatMap((part) => (part.trim() === '' ? [] : [Number(part)]));
  if (sizes.length > 64 || !sizes.every((size) => Number.isSafeInteger(size)))
    throw new MalformedError('the shape holds no sizes');
  return {
    dtype: simple ?? 'structured',
    shape: sizes,
    hasObjects: simple === undefined ? /['"][<>|=]?O/.test(text) : /^[<>|=]?O/.test(simple),
    dataOffset: offset + length,
  };
}

function checkSize({ dtype, shape, dataOffset }: NpyHeader, size: number): void {
  const width = /^[<>|=]?([biufcSVU])([0-9]{1,9})$/.exec(dtype);
  if (width === null) return;
  const unit = BigInt(width[2] ?? '0') * (width[1] === 'U' ? 4n : 1n);
  const bytes = shape.reduce((product, count) => product * BigInt(count), unit);
  if (bytes !== BigInt(size - dataOffset)) {
    throw new MalformedError(`shape and dtype need ${bytes} bytes, the file has ${size - dataOffset}`);
  }
}
