import { describe, expect, it } from 'vitest';
import type { DriftSettings } from '../../../src/config/drift-settings.ts';
import { DriftSettings as DriftSettingsSchema } from '../../../src/config/drift-settings.ts';
import { calibrate, type BatchSource, type CalibrationOptions } from '../../../src/core/drift/calibrate.ts';
import { rememberedSide } from '../../../src/core/drift/calibrate-reference.ts';
import { Calibration, calibrationSettings } from '../../../src/core/drift/calibrate-result.ts';
import { compareSides } from '../../../src/core/drift/compare.ts';
import type { PolicyOptions } from '../../../src/core/drift/policy/options.ts';
import { resolvePolicy } from '../../../src/core/drift/policy/resolve.ts';
import type { DriftReport } from '../../../src/core/drift/report.ts';
import type { Side } from '../../../src/core/drift/side.ts';
import { column, memorySide, type Cell, type MemoryColumn } from './support/memory-side.ts';
import { Random } from './support/random.ts';

const ROWS = 400;
const BATCHES = 24;

const normals = (random: Random, rows: number, shift = 0): Cell[] =>
  random.numbers(rows, (each) => each.normal(shift));

/** A data set whose `season` moves from batch to batch by up to 0.45 standard deviations, and whose other columns stay. */
function columnsOf(random: Random, { rows = ROWS, phase = 0 } = {}): MemoryColumn[] {
  const tilt = 0.3 + 0.12 * Math.sin(phase);
  return [
    column('season', normals(random, rows, 0.45 * Math.sin(phase))),
    column('steady', normals(random, rows)),
    column('weather', random.levels(rows, [tilt, 0.4, 0.6 - tilt])),
    column(
      'gaps',
      Array.from({ length: rows }, () =>
        random.next() < 0.02 + 0.05 * (1 + Math.sin(phase)) ? null : random.normal(),
      ),
    ),
  ];
}

const closable = (side: Side) => Promise.resolve({ side, close: () => Promise.resolve() });
const opens = (name: string, columns: readonly MemoryColumn[]): BatchSource => ({
  name,
  open: () => closable(memorySide(columns, { name })),
});

function seasonal(seed: number): { reference: () => Side; batches: MemoryColumn[][] } {
  const random = new Random(seed);
  const reference = columnsOf(random, { rows: 2000 });
  return {
    reference: () => memorySide(reference, { name: 'train.csv' }),
    batches: Array.from({ length: BATCHES }, (_, index) => columnsOf(random, { phase: index })),
  };
}

const policyOf = (settings: DriftSettings, options: PolicyOptions = {}) =>
  resolvePolicy({ config: [{ origin: 'config.json', settings }], options });

interface Calibrated {
  calibration: Calibration;
  settings: DriftSettings;
}

async function calibrated(
  { reference, batches }: ReturnType<typeof seasonal>,
  options: Partial<CalibrationOptions> = {},
): Promise<Calibrated> {
  const calibration = await calibrate(
    {
      reference: () => closable(reference()),
      batches: batches.map((columns, index) => opens(`batch ${index}`, columns)),
    },
    { policy: policyOf({}), budget: 0.05, source: 'history', ...options },
  );
  expect(Calibration.parse(JSON.parse(JSON.stringify(calibration)))).toEqual(calibration);
  const settings = { calibration: calibrationSettings(calibration, new Date('2026-11-23T10:15:00Z')) };
  expect(DriftSettingsSchema.parse(JSON.parse(JSON.stringify(settings)))).toEqual(settings);
  return { calibration, settings };
}

const compare = (
  reference: Side,
  columns: readonly MemoryColumn[],
  settings: DriftSettings,
): Promise<DriftReport> => compareSides(reference, memorySide(columns), { policy: policyOf(settings) });

describe('calibrate', () => {
  it('lets the past batches pass, and still finds a planted shift', async () => {
    const data = seasonal(3);
    const { calibration, settings } = await calibrated(data);
    const alertsBefore = calibration.batches.filter(({ alerts }) => alerts.length > 0);
    expect(alertsBefore.length).toBeGreaterThan(BATCHES / 3);
    const { side } = await rememberedSide(() => closable(data.reference()));
    for (const [index, columns] of data.batches.entries()) {
      const before = await compare(side, columns, {});
      const after = await compare(side, columns, settings);
      expect(before.failed).toBe((calibration.batches[index]?.alerts.length ?? 0) > 0);
      expect(after.failed).toBe(false);
    }
    const random = new Random(99);
    const shifted = columnsOf(random).map((each) =>
      each.name === 'steady' ? column('steady', normals(random, ROWS, 0.5)) : each,
    );
    const farther = columnsOf(random).map((each) =>
      each.name === 'season' ? column('season', normals(random, ROWS, 1.2)) : each,
    );
    const emptied = columnsOf(random).map((each) =>
      each.name === 'gaps'
        ? column(
            'gaps',
            each.cells.map((cell, row) => (row % 3 === 0 ? null : cell)),
          )
        : each,
    );
    for (const [planted, name] of [
      [shifted, 'steady'],
      [farther, 'season'],
      [emptied, 'gaps'],
    ] as const) {
      const report = await compare(side, planted, settings);
      expect(report.failed).toBe(true);
      expect(
        report.alerts.filter(({ severity }) => severity !== 'low').map((alert) => alert.column),
      ).toContain(name);
    }
  });

  it('raises only what moved, with the evidence', async () => {
    const { calibration, settings } = await calibrated(seasonal(3));
    expect(calibration).toMatchObject({
      format: 'mlops.drift-calibration/1',
      policy: 'mlops-2',
      alpha: 0.01,
      severity: 'medium',
      budget: 0.05,
      comparisons: BATCHES,
      quantile: BATCHES / (BATCHES + 1),
      source: 'history',
      reference: 'train.csv',
      rows: { reference: 2000, smallestBatch: ROWS, largestBatch: ROWS },
    });
    expect(calibration.expectedAlerts).toBeLessThanOrEqual(0.05);
    const moved = new Set(calibration.floors.map(({ column: name }) => name));
    expect(moved.has('steady')).toBe(false);
    expect(moved.has('season')).toBe(true);
    for (const { floor, before, largest, median, batches, observed, origin } of calibration.floors) {
      expect(floor).toBeGreaterThan(before);
      expect(floor).toBeGreaterThanOrEqual(largest);
      expect(median).toBeLessThanOrEqual(largest);
      expect(batches).toBeGreaterThan(0);
      expect(observed).toHaveLength(BATCHES);
      expect(origin).toBe('default of mlops-2');
    }
    const d = policyOf(settings).column('season').limits('D');
    expect(d.value.medium).toBe(
      calibration.floors.find(({ column: name, limit }) => name === 'season' && limit === 'D')?.floor,
    );
    expect(d.origin).toBe(
      'config .mlops/config.json drift.calibration (calibration of 2026-11-23, 24 comparisons)',
    );
  });

  it('keeps batches of the same process within the budget, from one history to the next', async () => {
    const FRESH = 15;
    const counts = { before: 0, after: 0, compared: 0 };
    for (let seed = 1; seed <= 8; seed += 1) {
      const data = seasonal(seed);
      const found = await calibrated(data).catch(() => undefined);
      if (found === undefined) continue;
      const random = new Random(1000 + seed);
      const reference = await rememberedSide(() => closable(data.reference()));
      for (let index = 0; index < FRESH; index += 1) {
        const fresh = columnsOf(random, { phase: random.next() * 2 * Math.PI });
        if ((await compare(reference.side, fresh, {})).failed) counts.before += 1;
        if ((await compare(reference.side, fresh, found.settings)).failed) counts.after += 1;
        counts.compared += 1;
      }
    }
    // A single history of 24 batches may give floors that let 10 % through; on average the budget holds.
    expect(counts.compared).toBeGreaterThanOrEqual(75);
    expect(counts.before / counts.compared).toBeGreaterThan(0.4);
    expect(counts.after / counts.compared).toBeLessThanOrEqual(0.08);
  });

  it('changes nothing where no batch alerts', async () => {
    const random = new Random(9);
    const reference = columnsOf(random, { rows: 2000 });
    const still = Array.from({ length: 19 }, () => columnsOf(random));
    const { calibration } = await calibrated({ reference: () => memorySide(reference), batches: still });
    expect(calibration).toMatchObject({
      floors: [],
      margin: 1,
      expectedAlerts: 0.05,
      unforeseen: [],
      notes: [],
    });
    expect(calibration.batches.every(({ alerts }) => alerts.length === 0)).toBe(true);
  });

  it('takes names for names, whatever a column is called', async () => {
    const { reference, batches } = seasonal(3);
    const rename = (columns: readonly MemoryColumn[]): MemoryColumn[] =>
      columns.map((each) => ({
        ...each,
        name: each.name === 'season' ? '__proto__' : `constructor ${each.name}`,
      }));
    const plain = await calibrated({ reference, batches });
    const hostile = await calibrated({
      reference: () => memorySide(rename(columnsOf(new Random(3), { rows: 2000 })), { name: 'train.csv' }),
      batches: batches.map(rename),
    });
    const floorsOf = (floors: Calibration['floors'], name: string) =>
      floors.filter((floor) => floor.column === name).map(({ limit, floor }) => [limit, floor]);
    expect(floorsOf(hostile.calibration.floors, '__proto__')).toEqual(
      floorsOf(plain.calibration.floors, 'season'),
    );
    const settings = JSON.parse(JSON.stringify(hostile.settings)) as DriftSettings;
    expect(policyOf(settings).column('__proto__').limits('D').value.medium).toBeGreaterThan(0.1);
    expect(policyOf(settings).column('toString').limits('D').value.medium).toBe(0.1);
  });

  it('raises the limit of the severity that is to fail', async () => {
    const { calibration, settings } = await calibrated(seasonal(3), {
      policy: policyOf({}, { failOn: 'high' }),
    });
    expect(calibration.severity).toBe('high');
    for (const { column: name, limit, before } of calibration.floors) {
      expect(before).toBe(policyOf({}).column(name).limits(limit).value.high);
      expect(policyOf(settings).column(name).limits(limit).value.medium).toBe(
        policyOf({}).column(name).limits(limit).value.medium,
      );
    }
  });

  it('refuses too few batches before it opens any, and says how many it takes', async () => {
    const never = () => Promise.reject(new Error('opened'));
    const attempt = (count: number, budget: number) =>
      calibrate(
        {
          reference: never,
          batches: Array.from({ length: count }, (_, index) => ({ name: `b${index}`, open: never })),
        },
        { policy: policyOf({}), budget, source: 'history' },
      );
    await expect(attempt(12, 0.01)).rejects.toMatchObject({
      code: 'TOO_FEW_BATCHES',
      exitCode: 2,
      message: "12 batches can't support 1 % of false alarms (one in 100 batches): it takes at least 99",
      hint: 'give more batches, or allow more with --budget 1/13',
    });
    await expect(attempt(0, 0.05)).rejects.toMatchObject({
      code: 'TOO_FEW_BATCHES',
      hint: 'give more batches',
    });
    await expect(attempt(99, 0.01)).rejects.toThrow('opened');
  });

  it('refuses batches of which several were incidents, and names them', async () => {
    const { reference, batches } = seasonal(3);
    const random = new Random(8);
    const incidents = batches.map((columns, index) =>
      index === 4
        ? columns.map((each) => (each.name === 'steady' ? column('steady', normals(random, ROWS, 2)) : each))
        : index === 9
          ? columns.filter(({ name }) => name !== 'weather')
          : columns,
    );
    const attempt = calibrated({ reference, batches: incidents });
    await expect(attempt).rejects.toMatchObject({ code: 'TOO_FEW_BATCHES', exitCode: 2 });
    const message = await attempt.catch((error: unknown) => (error instanceof Error ? error.message : ''));
    expect(message).toMatch(/batch 4: `steady` (?:D|W|outOfRange) /);
    expect(message).toContain('batch 9: `weather` the current data does not have it');
    expect(message).toMatch(/^24 batches can't support 5 % .*: it takes at least \d\d/);
  });

  it.each([
    [{ policy: 'pvalue' }, 'the policy pvalue-1 has no floors'],
    [{ policy: 'psi' }, 'the policy psi-1 has no floors'],
    [{ failOn: 'low' }, 'there is no limit to raise'],
  ])('refuses %j', async (options, message) => {
    await expect(calibrated(seasonal(3), { policy: policyOf({}, options) })).rejects.toMatchObject({
      code: 'CALIBRATION_POLICY',
      message: expect.stringContaining(message) as string,
    });
  });

  it('says that batches of very different sizes do not fit together', async () => {
    const random = new Random(6);
    const reference = columnsOf(random, { rows: 2000 });
    const batches = Array.from({ length: 19 }, (_, index) =>
      columnsOf(random, { rows: index === 3 ? 1000 : 200 }),
    );
    const { calibration } = await calibrated({ reference: () => memorySide(reference), batches });
    expect(calibration.notes).toEqual([
      'the batches have 200 to 1,000 rows: the floors are meant for batches of about one size',
    ]);
  });

  it('closes what it opened, whatever happens', async () => {
    const { reference, batches } = seasonal(3);
    const open = { now: 0 };
    const counted = (side: Side) => {
      open.now += 1;
      return Promise.resolve({ side, close: () => Promise.resolve(void (open.now -= 1)) });
    };
    const sources = batches.map((columns, index): BatchSource => ({
      name: `b${index}`,
      open: () => (index === 3 ? Promise.reject(new Error('malformed')) : counted(memorySide(columns))),
    }));
    const attempt = calibrate(
      { reference: () => counted(reference()), batches: sources },
      { policy: policyOf({}), budget: 0.05, source: 'history' },
    );
    await expect(attempt).rejects.toThrow('malformed');
    expect(open.now).toBe(0);
    const first = calibrate(
      { reference: () => counted(reference()), batches: sources.slice(3) },
      { policy: policyOf({}), budget: 0.05, source: 'history' },
    );
    await expect(first).rejects.toThrow('malformed');
    expect(open.now).toBe(0);
  });

  it('ends when it is told to', async () => {
    const controller = new AbortController();
    controller.abort(new Error('interrupted'));
    await expect(calibrated(seasonal(3), { signal: controller.signal })).rejects.toThrow('interrupted');
  });

  it('reports how far it is', async () => {
    const steps: [number, number][] = [];
    await calibrated(seasonal(3), { progress: (done, total) => void steps.push([done, total]) });
    expect(steps).toEqual(Array.from({ length: BATCHES + 1 }, (_, done) => [done, BATCHES]));
  });
});

describe('rememberedSide', () => {
  it('reads the rows once, and again only for another type', async () => {
    const reads: string[] = [];
    const opened = { count: 0 };
    const open = () => {
      opened.count += 1;
      const side = memorySide([column('a', [1, 2, 3, 4]), column('b', [1, 1, 2, 2])], {
        onRead: (name) => void reads.push(name),
      });
      return closable(side);
    };
    const { side } = await rememberedSide(open);
    const a = { name: 'a', type: 'numeric', reason: '' } as const;
    const b = { name: 'b', type: 'numeric', reason: '' } as const;
    const namesOf = async (plan: Parameters<Side['read']>[0]) => {
      const names: string[] = [];
      for await (const summary of await side.read(plan)) names.push(`${summary.name} ${summary.type}`);
      return names;
    };
    expect(await namesOf([b, a])).toEqual(['b numeric', 'a numeric']);
    expect(await namesOf([a, b])).toEqual(['a numeric', 'b numeric']);
    expect({ ...opened, reads }).toEqual({ count: 1, reads: ['b', 'a'] });
    expect(await namesOf([a, { ...b, type: 'categorical' }])).toEqual(['a numeric', 'b categorical']);
    expect({ ...opened, reads }).toEqual({ count: 2, reads: ['b', 'a', 'b'] });
    expect(side.facts().rows).toBe(4);
  });
});
