import fc from 'fast-check';

/** Up to `most` values with many ties: tenths between -2 and 2. */
export const tiedSample = (most: number): fc.Arbitrary<number[]> =>
  fc.oneof(
    fc.array(
      fc.integer({ min: -2, max: 2 }).map((value) => value + 0),
      { minLength: 1, maxLength: most },
    ),
    fc.array(
      fc.integer({ min: -200, max: 200 }).map((value) => value / 100 + 0),
      { minLength: 1, maxLength: most },
    ),
  );

/** All ways to put `first` of the values on one side and the others on the other; equal values count as different ones. */
export function divisions(values: readonly number[], first: number): [number[], number[]][] {
  const [head, ...rest] = values;
  if (head === undefined) return [[[], []]];
  const result: [number[], number[]][] = [];
  if (first > 0) for (const [x, y] of divisions(rest, first - 1)) result.push([[head, ...x], y]);
  if (values.length > first) for (const [x, y] of divisions(rest, first)) result.push([x, [head, ...y]]);
  return result;
}
