import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  batchesNeeded,
  type BatchObservation,
  chooseFloors,
  type FloorsFound,
  type ObservedEffect,
  roundedUp,
} from '../../../src/core/drift/calibrate-floors.ts';
import { Random } from './support/random.ts';

const LIMIT = 0.1;
const limitOf = (): number => LIMIT;

const effect = (column: string, value: number, significant = true): ObservedEffect => ({
  column,
  limit: 'D',
  value,
  significant,
});
const batch = (
  name: string,
  effects: readonly ObservedEffect[],
  breaks: BatchObservation['breaks'] = [],
) => ({
  name,
  rows: 100,
  effects,
  breaks,
});
/** Batches of which each has the given effects in a column of each place. */
const batches = (...rows: readonly (readonly number[])[]): BatchObservation[] =>
  rows.map((values, index) =>
    batch(
      `b${index}`,
      values.map((value, place) => effect(`c${place}`, value)),
    ),
  );
/** Uneventful ones. */
const quiet = (count: number): BatchObservation[] => batches(...Array.from({ length: count }, () => [0.02]));

function found(observed: readonly BatchObservation[], budget: number): FloorsFound {
  const floors = chooseFloors(observed, { budget, limitOf });
  if (floors.kind === 'refused') throw new Error(`refused: ${JSON.stringify(floors)}`);
  return floors;
}

const alertsWith = ({ floors }: FloorsFound, { effects }: BatchObservation): boolean =>
  effects.some(({ column, limit, value, significant }) => {
    const floor = floors.find((each) => each.column === column && each.limit === limit)?.floor ?? 0;
    return significant && value >= Math.max(LIMIT, floor);
  });

describe('batchesNeeded', () => {
  it.each([
    [0.5, 1],
    [0.1, 9],
    [0.05, 19],
    [1 / 30, 29],
    [0.01, 99],
    [0.001, 999],
  ])('a budget of %d takes %d batches', (budget, count) => {
    expect(batchesNeeded(budget)).toBe(count);
    expect(chooseFloors(quiet(count), { budget, limitOf }).kind).toBe('found');
    expect(chooseFloors(quiet(count - 1), { budget, limitOf })).toEqual({
      kind: 'refused',
      needed: count,
      unforeseen: [],
    });
  });
});

describe('chooseFloors', () => {
  it('changes nothing where nothing alerts', () => {
    expect(found(quiet(19), 0.05)).toEqual({
      kind: 'found',
      margin: 1,
      floors: [],
      expectedAlerts: 0.05,
      alertsBefore: [],
      unforeseen: [],
    });
  });

  it('puts a floor just above the largest significant effect, with the evidence', () => {
    const observed = [
      ...quiet(15).map(({ name, ...rest }) => ({ ...rest, name: `quiet ${name}` })),
      ...batches([0.13], [0.152], [0.12], [0.152]),
    ];
    const { floors, margin, alertsBefore } = found(observed, 0.05);
    expect(margin).toBe(1);
    expect(floors).toEqual([
      { column: 'c0', limit: 'D', floor: 0.153, before: 0.1, median: 0.02, largest: 0.152, batches: 4 },
    ]);
    expect(alertsBefore).toEqual(['b0', 'b1', 'b2', 'b3']);
  });

  it('counts nothing that was chance', () => {
    const observed = [...quiet(18), batch('noisy', [effect('c0', 0.4, false)])];
    expect(found(observed, 0.05).floors).toEqual([]);
  });

  it('leaves a margin where records of several columns would use up the budget', () => {
    const observed = [...quiet(16), ...batches([0.2, 0.15, 0], [0.15, 0.2, 0], [0.12, 0.12, 0])];
    const { margin, floors, expectedAlerts, unforeseen } = found(observed, 0.05);
    expect(margin).toBeCloseTo(0.2 / 0.15, 12);
    expect(floors.map(({ floor }) => floor)).toEqual([0.267, 0.267]);
    expect({ expectedAlerts, unforeseen }).toEqual({ expectedAlerts: 0.05, unforeseen: [] });
    const generous = found(observed, 0.1);
    expect(generous.margin).toBe(1);
    expect(generous.floors.map(({ floor }) => floor)).toEqual([0.201, 0.201]);
    expect(generous.expectedAlerts).toBe(0.1);
    expect(generous.unforeseen.map(({ batch: name, ratio }) => [name, ratio])).toEqual([
      ['b0', 1.33],
      ['b1', 1.33],
    ]);
  });

  it('refuses where batches are the only ones beyond a limit, and says how many it would take', () => {
    const observed = [...quiet(17), ...batches([0.3], [0, 0.4])];
    const refused = chooseFloors(observed, { budget: 0.05, limitOf });
    expect(refused).toEqual({
      kind: 'refused',
      needed: 39,
      unforeseen: [
        {
          batch: 'b0',
          column: 'c0',
          message: 'D 0.3, where no other batch reaches the limit 0.1',
          ratio: null,
        },
        {
          batch: 'b1',
          column: 'c1',
          message: 'D 0.4, where no other batch reaches the limit 0.1',
          ratio: null,
        },
      ],
    });
    expect(chooseFloors([...quiet(37), ...observed.slice(-2)], { budget: 0.05, limitOf }).kind).toBe('found');
  });

  it('counts breaks of the schema, which no floor stops, against the budget', () => {
    const broken = batch(
      'broken',
      [effect('c0', 0.9)],
      [{ column: 'age', message: 'the current data does not have it' }],
    );
    const { floors, unforeseen, expectedAlerts, alertsBefore } = found([...quiet(18), broken], 0.05);
    expect(floors).toEqual([]);
    expect({ expectedAlerts, alertsBefore }).toEqual({ expectedAlerts: 0.05, alertsBefore: ['broken'] });
    expect(unforeseen).toEqual([
      { batch: 'broken', column: 'age', message: 'the current data does not have it', ratio: null },
    ]);
    expect(chooseFloors([...quiet(18), broken, broken], { budget: 0.05, limitOf })).toMatchObject({
      kind: 'refused',
      needed: 39,
    });
  });

  const observed = fc.array(
    fc.array(fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1, noNaN: true })), {
      minLength: 3,
      maxLength: 3,
    }),
    { minLength: 4, maxLength: 30 },
  );
  const budget = fc.constantFrom(0.05, 0.1, 0.2, 0.5);

  it('lets every batch pass, and lowers no limit', () => {
    fc.assert(
      fc.property(observed, budget, (values, share) => {
        const all = batches(...values);
        const floors = chooseFloors(all, { budget: share, limitOf });
        if (floors.kind === 'refused') return;
        expect(all.filter((each) => alertsWith(floors, each))).toEqual([]);
        for (const { floor, largest, before } of floors.floors) {
          expect(floor).toBeGreaterThanOrEqual(before);
          expect(floor).toBeGreaterThan(largest * 0.995);
        }
        expect(floors.expectedAlerts).toBeLessThanOrEqual(share + 1e-9);
      }),
    );
  });

  it('does not depend on the order of the batches', () => {
    fc.assert(
      fc.property(observed, budget, (values, share) => {
        const all = batches(...values);
        const byKey = (result: ReturnType<typeof chooseFloors>) =>
          result.kind === 'refused'
            ? { needed: result.needed }
            : {
                margin: result.margin,
                expectedAlerts: result.expectedAlerts,
                floors: result.floors.toSorted((x, y) => (x.column < y.column ? -1 : 1)),
              };
        expect(byKey(chooseFloors(all.toReversed(), { budget: share, limitOf }))).toEqual(
          byKey(chooseFloors(all, { budget: share, limitOf })),
        );
      }),
    );
  });

  it('keeps the budget on batches that are like the past ones, over all columns together', () => {
    const random = new Random(11);
    // Columns that move by a season of their own, some a lot and some hardly.
    const scales = [0.02, 0.05, 0.08, 0.1, 0.15, 0.2];
    const draw = (name: string): BatchObservation =>
      batch(
        name,
        scales.map((scale, place) =>
          effect(`c${place}`, Math.min(1, scale * Math.exp(random.normal(0, 0.3)))),
        ),
      );
    const RUNS = 2000;
    for (const { share, count } of [
      { share: 0.1, count: 60 },
      { share: 0.2, count: 40 },
    ]) {
      let alerts = 0;
      let made = 0;
      for (let run = 0; run < RUNS; run += 1) {
        const floors = chooseFloors(
          Array.from({ length: count }, (_, index) => draw(`b${index}`)),
          { budget: share, limitOf },
        );
        if (floors.kind === 'refused') continue;
        made += 1;
        if (alertsWith(floors, draw('next'))) alerts += 1;
      }
      expect(made).toBeGreaterThan(RUNS * 0.5);
      const sd = Math.sqrt((share * (1 - share)) / made);
      expect(alerts / made).toBeLessThanOrEqual(share + 3 * sd);
      // A budget that is not used costs power.
      expect(alerts / made).toBeGreaterThan(0);
    }
  });
});

describe('roundedUp', () => {
  it('is the next number of three digits or less than two per cent above', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-9, max: 1e9, noNaN: true }), (value) => {
        const up = roundedUp(value);
        expect(up).toBeGreaterThan(value);
        expect(up).toBeLessThanOrEqual(value * 1.02);
        expect(Number(up.toPrecision(3))).toBe(up);
      }),
    );
  });

  it.each([
    [0.152, 0.153],
    [0.1521, 0.153],
    [0.0999, 0.1],
    [1, 1.01],
    [999, 1000],
  ])('%d becomes %d', (value, expected) => {
    expect(roundedUp(value)).toBe(expected);
  });
});
