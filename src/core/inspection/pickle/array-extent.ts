import type { Value } from './values.ts';

/** What follows a joblib array wrapper in the file: raw bytes to skip, or a nested pickle. */
export interface ArrayExtent {
  /** Bytes of the elements; undefined when they are pickled one by one (dtype object). */
  bytes: number | undefined;
  /** True when one byte with the length of the alignment padding comes first (joblib 1.2 and later). */
  padded: boolean;
}

const HAS_OBJECT = 1;

/** The extent that a wrapper's state announces, or undefined when it can't be told. */
export function arrayExtent(state: Value | undefined): ArrayExtent | undefined {
  if (state?.kind !== 'dict') return undefined;
  const shape = state.entries.get('shape');
  const itemSize = dtypeSize(state.entries.get('dtype'));
  if (shape?.kind !== 'tuple' || itemSize === undefined) return undefined;
  let bytes = itemSize === 'object' ? 0 : itemSize;
  for (const dimension of shape.items) {
    if (dimension.kind !== 'number' || dimension.number < 0) return undefined;
    bytes *= dimension.number;
  }
  if (!Number.isSafeInteger(bytes)) return undefined;
  const padded = state.entries.get('numpy_array_alignment_bytes')?.kind === 'number';
  return { bytes: itemSize === 'object' ? undefined : bytes, padded };
}

/** Bytes per element of a pickled `numpy.dtype`: `dtype('f8', ...)` with the state `(3, '<', ..., flags)`. */
function dtypeSize(dtype: Value | undefined): number | 'object' | undefined {
  if (dtype?.kind !== 'object' || dtype.arguments.kind !== 'tuple') return undefined;
  const code = dtype.arguments.items[0];
  const found = code?.kind === 'text' ? /^([?biufcmMSUVO])([0-9]{0,9})$/.exec(code.text) : null;
  if (found === null) return undefined;
  const [, letter, digits] = found;
  const flags = dtype.state?.kind === 'tuple' ? dtype.state.items[7] : undefined;
  if (letter === 'O' || (flags?.kind === 'number' && (flags.number & HAS_OBJECT) !== 0)) return 'object';
  const width = digits === '' ? 1 : Number(digits);
  return letter === 'U' ? width * 4 : width;
}
