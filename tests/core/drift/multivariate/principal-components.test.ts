import { describe, expect, it } from 'vitest';
import {
  type NumberTable,
  principalComponents,
} from '../../../../src/core/drift/multivariate/principal-components.ts';
import { Random } from '../support/random.ts';

function table(rows: readonly (readonly number[])[]): NumberTable {
  return { rows: rows.length, columns: rows[0]?.length ?? 0, values: Float64Array.from(rows.flat()) };
}

describe('principalComponents', () => {
  it('explains two columns of one line by one component, which leaves nothing of a row on it', () => {
    const line = table(Array.from({ length: 50 }, (_, row) => [row, 3 * row - 7]));
    const components = principalComponents(line, 0.65);
    expect(components).toMatchObject({ count: 1 });
    expect(components?.explained).toBeCloseTo(1, 12);
    expect(components?.errorOf(line, 17)).toBeCloseTo(0, 6);
  });

  it('leaves of a row what lies across the line, in standard deviations', () => {
    const line = table(Array.from({ length: 100 }, (_, row) => [row, row]));
    const components = principalComponents(line, 0.65);
    const deviation = Math.sqrt((100 * 100 - 1) / 12);
    // A step of one deviation in one column is one of 1 / sqrt 2 across the diagonal.
    const off = table([[50 + deviation, 50]]);
    expect(components?.errorOf(off, 0)).toBeCloseTo(1 / Math.SQRT2, 10);
  });

  it('takes as many components as explain the share, and leaves at least one', () => {
    const random = new Random(1);
    const rows = Array.from({ length: 4000 }, () => {
      const common = random.normal();
      return [common, common, common, random.normal(), random.normal()].map(
        (value) => value + 0.1 * random.normal(),
      );
    });
    // Variances of about 3, 1, 1 and hardly anything.
    expect(principalComponents(table(rows), 0.55)?.count).toBe(1);
    expect(principalComponents(table(rows), 0.65)?.count).toBe(2);
    expect(principalComponents(table(rows), 1)?.count).toBe(4);
  });

  it('has no components where fewer than two columns vary', () => {
    expect(
      principalComponents(
        table([
          [1, 5],
          [2, 5],
          [3, 5],
        ]),
        0.65,
      ),
    ).toBeUndefined();
    expect(principalComponents(table([]), 0.65)).toBeUndefined();
    expect(
      principalComponents(
        table([
          [1, 2],
          [2, 1],
        ]),
        0.65,
      ),
    ).toBeUndefined();
  });
});
