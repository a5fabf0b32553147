import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  atLeast,
  DEFAULT_LIMITS,
  LIMIT_NAMES,
  type Limits,
  NEVER,
  overwrite,
  raised,
  SHAPE_LIMITS,
  withFloor,
} from '../../../../src/core/drift/policy/limits.ts';

const isAscending = ({ medium, high, critical }: Limits): boolean => medium <= high && high <= critical;

const limit = fc.oneof(fc.double({ min: 0, max: 5, noNaN: true }), fc.constant(Infinity));
const limits = fc.record({ medium: limit, high: limit, critical: limit }).map(atLeast);
/** As the schema of settings lets through: ascending, null at the end only. */
const written = fc
  .tuple(fc.subarray(['medium', 'high', 'critical'] as const), limits)
  .map(([keys, values]) =>
    Object.fromEntries(keys.map((key) => [key, values[key] === Infinity ? null : values[key]])),
  );

describe('limits', () => {
  it.each(LIMIT_NAMES)('of mlops-2 ascend: %s', (name) => {
    expect(isAscending(DEFAULT_LIMITS[name])).toBe(true);
  });

  it('ascend whatever is written over them, and what is written holds', () => {
    fc.assert(
      fc.property(limits, written, (before, over) => {
        const after = overwrite(before, over);
        expect(isAscending(after)).toBe(true);
        for (const [key, value] of Object.entries(over)) {
          expect(after[key as keyof Limits]).toBe(value ?? Infinity);
        }
      }),
    );
  });

  it('stay as they are where nothing is written, and twice is once', () => {
    fc.assert(
      fc.property(limits, written, (before, over) => {
        expect(overwrite(before, {})).toEqual(before);
        const once = overwrite(before, over);
        expect(overwrite(once, over)).toEqual(once);
      }),
    );
  });

  it('move only as far as the written ones need', () => {
    const before = { medium: 0.1, high: 0.2, critical: 0.4 };
    expect(overwrite(before, { medium: 0.15 })).toEqual({ medium: 0.15, high: 0.2, critical: 0.4 });
    expect(overwrite(before, { medium: 0.3 })).toEqual({ medium: 0.3, high: 0.3, critical: 0.4 });
    expect(overwrite(before, { high: 0.05 })).toEqual({ medium: 0.05, high: 0.05, critical: 0.4 });
    expect(overwrite(before, { critical: 0.15 })).toEqual({ medium: 0.1, high: 0.15, critical: 0.15 });
    expect(overwrite(before, { critical: null })).toEqual({ medium: 0.1, high: 0.2, critical: Infinity });
    expect(overwrite(before, null)).toEqual(NEVER);
  });

  it('are raised to a floor and never lowered by it', () => {
    const severity = fc.constantFrom('medium' as const, 'high' as const, 'critical' as const);
    fc.assert(
      fc.property(limits, severity, fc.double({ min: 0, max: 5, noNaN: true }), (before, key, floor) => {
        const after = raised(before, key, floor);
        expect(isAscending(after)).toBe(true);
        expect(after[key]).toBe(Math.max(before[key], floor));
        for (const each of ['medium', 'high', 'critical'] as const) {
          expect(after[each]).toBeGreaterThanOrEqual(before[each]);
        }
      }),
    );
  });

  it('of a shape follow the floor in units of 0.1, whatever floor came before', () => {
    expect(withFloor('D', DEFAULT_LIMITS.D, 0.1)).toEqual(DEFAULT_LIMITS.D);
    expect(withFloor('W', DEFAULT_LIMITS.W, 0.2)).toEqual({ medium: 0.5, high: 0.5, critical: 1.5 });
    expect(withFloor('D', withFloor('D', DEFAULT_LIMITS.D, 0.05), 0.15).medium).toBeCloseTo(0.15, 12);
    expect([...SHAPE_LIMITS].toSorted()).toEqual(['D', 'W', 'characterClasses', 'excessTvd']);
  });
});
