import fc from 'fast-check';
import {
  DRIFT_COLUMN_TYPES,
  DRIFT_FAIL_ON,
  DRIFT_LIMITS,
  DRIFT_POLICIES,
} from '../../../../src/config/drift-names.ts';
import type { DriftSettings } from '../../../../src/config/drift-settings.ts';

/** Names that headers have, and names that only somebody who means harm writes. */
export const columnName = fc.oneof(
  fc.constantFrom(
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
    'age',
    '',
    ' ',
    '*',
    'a/b',
    'a.b',
  ),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
);

const share = fc.double({ min: 0, max: 1, noNaN: true });

const limits = fc
  .tuple(fc.subarray(['medium', 'high', 'critical'] as const), fc.tuple(share, share, share), fc.nat(3))
  .map(([keys, values, nulls]) => {
    const ascending = values.toSorted((x, y) => x - y);
    const written = keys.map((key, index) => [key, index >= keys.length - nulls ? null : ascending[index]]);
    return Object.fromEntries(written) as { medium?: number | null };
  });

const byName = fc.dictionary(fc.constantFrom(...DRIFT_LIMITS), fc.option(limits)) as fc.Arbitrary<
  NonNullable<DriftSettings['limits']>
>;

const effect = fc.double({ min: 0.001, max: 1, noNaN: true });

const columns = fc.dictionary(
  fc.oneof(
    fc.constantFrom('age', 'amount', 'toString', 'a.b'),
    fc.string({ maxLength: 6 }).filter((key) => !/^(?:__proto__|constructor|prototype)$/.test(key)),
  ),
  fc.record(
    {
      ignore: fc.boolean(),
      type: fc.constantFrom(...DRIFT_COLUMN_TYPES),
      weight: fc.double({ min: 0, max: 1e6, noNaN: true }),
      effect,
      limits: byName,
    },
    { requiredKeys: [] },
  ),
  { maxKeys: 5, noNullPrototype: true },
);

/** A valid section `drift`. */
export const driftSettings = fc.record(
  {
    policy: fc.constantFrom(...DRIFT_POLICIES),
    alpha: fc.double({ min: 1e-6, max: 0.5, noNaN: true }),
    failOn: fc.constantFrom(...DRIFT_FAIL_ON),
    failOnInconclusive: fc.boolean(),
    effect,
    ignore: fc.array(fc.constantFrom('emb_*', 'id', '?'), { maxLength: 3 }),
    limits: byName,
    columns,
  },
  { requiredKeys: [] },
) as fc.Arbitrary<DriftSettings & { columns?: Exclude<DriftSettings['columns'], unknown[] | undefined> }>;
