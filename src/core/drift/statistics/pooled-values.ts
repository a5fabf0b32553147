/** One distinct value of two pooled samples. */
export type VisitValue = (value: number, inReference: number, inCurrent: number) => void;

/** Visits the distinct values of two sorted samples in ascending order, with how often each side has them. -0 and 0 are one value. */
export function eachPooledValue(reference: Float64Array, current: Float64Array, visit: VisitValue): void {
  const n = reference.length;
  const m = current.length;
  let i = 0;
  let j = 0;
  while (i < n || j < m) {
    const x = i < n ? (reference[i] as number) : Infinity;
    const y = j < m ? (current[j] as number) : Infinity;
    const value = x < y ? x : y;
    const fromI = i;
    const fromJ = j;
    while (i < n && reference[i] === value) i += 1;
    while (j < m && current[j] === value) j += 1;
    visit(value, i - fromI, j - fromJ);
  }
}

/** A RangeError where one of two samples is empty. */
export function checkBothHaveValues(reference: Float64Array, current: Float64Array): void {
  if (reference.length === 0 || current.length === 0) {
    throw new RangeError('two samples can be compared only if both have values');
  }
}
