import { expect } from 'vitest';

/** |actual - expected| <= tolerance |expected|; where 0 is expected, at most the tolerance itself. */
export function expectClose(actual: number, expected: number, tolerance = 1e-12, label = ''): void {
  const scale = expected === 0 ? 1 : Math.abs(expected);
  const off = Math.abs(actual - expected) / scale;
  expect(off <= tolerance, `${label} ${actual} instead of ${expected}: ${off} off`).toBe(true);
}
