import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadConfig, parseDriftFile } from '../../../../src/config/load.ts';
import type { DriftSettings } from '../../../../src/config/drift-settings.ts';
import { DEFAULT_LIMITS, LIMIT_NAMES, type Limits, NEVER } from '../../../../src/core/drift/policy/limits.ts';
import type { PolicyOptions } from '../../../../src/core/drift/policy/options.ts';
import { resolvePolicy, type ResolvedPolicy } from '../../../../src/core/drift/policy/resolve.ts';
import { columnName, driftSettings } from './settings.ts';

interface Sources {
  config?: DriftSettings;
  local?: DriftSettings;
  file?: DriftSettings;
  options?: PolicyOptions;
}

const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

/** Through the files, as a run has it. */
function resolve({ config, local, file, options }: Sources = {}): ResolvedPolicy {
  const { drift } = loadConfig({
    config: config && bytes({ drift: config }),
    local: local && bytes({ drift: local }),
    env: {},
  });
  const configFile = file && {
    source: 'ci/drift.json',
    settings: parseDriftFile(bytes(file), 'ci/drift.json'),
  };
  return resolvePolicy({ config: drift, configFile, ...(options === undefined ? {} : { options }) });
}

describe('resolvePolicy', () => {
  it('has the defaults of mlops-2 when nothing is said', () => {
    const policy = resolve();
    expect(policy).toMatchObject({
      kind: 'default',
      name: 'mlops-2',
      alpha: { value: 0.01, origin: 'default of mlops-2' },
      failOn: { value: 'medium', origin: 'default of mlops-2' },
      failOnInconclusive: { value: false, origin: 'default of mlops-2' },
      isWeighted: false,
      named: [],
    });
    const rules = policy.column('age');
    expect(rules.ignored).toEqual({ value: false, origin: 'default of mlops-2' });
    expect(rules.type).toBeUndefined();
    expect(rules.weight).toEqual({ value: 1, origin: 'default of mlops-2' });
    for (const name of LIMIT_NAMES) {
      expect(rules.limits(name)).toEqual({ value: DEFAULT_LIMITS[name], origin: 'default of mlops-2' });
    }
  });

  it('lets config.json, local.json, --config and options win in this order', () => {
    const config: DriftSettings = { failOn: 'low', alpha: 0.001 };
    const local: DriftSettings = { failOn: 'high' };
    const file: DriftSettings = { failOn: 'critical' };
    const options = { failOn: 'medium' };
    const failOn = (sources: Sources) => resolve(sources).failOn;
    expect(failOn({ config })).toEqual({ value: 'low', origin: 'config .mlops/config.json drift.failOn' });
    expect(failOn({ config, local })).toEqual({
      value: 'high',
      origin: 'config .mlops/local.json drift.failOn',
    });
    expect(failOn({ config, local, file })).toEqual({
      value: 'critical',
      origin: 'config ci/drift.json failOn',
    });
    expect(failOn({ config, local, file, options })).toEqual({ value: 'medium', origin: '--fail-on' });
    expect(resolve({ config, local, file }).alpha).toEqual({
      value: 0.001,
      origin: 'config .mlops/config.json drift.alpha',
    });
  });

  it('goes back to the alpha of a policy that a stronger source chooses', () => {
    const config: DriftSettings = { alpha: 0.001 };
    const alpha = (sources: Sources) => resolve(sources).alpha;
    expect(alpha({ config, options: { policy: 'pvalue' } })).toEqual({
      value: 0.05,
      origin: 'default of pvalue-1',
    });
    expect(alpha({ config: { ...config, policy: 'pvalue' }, options: { policy: 'pvalue' } }).value).toBe(
      0.001,
    );
    expect(alpha({ config, options: { policy: 'default' } }).value).toBe(0.001);
    expect(alpha({ config, options: { policy: 'pvalue', alpha: 0.02 } })).toEqual({
      value: 0.02,
      origin: '--alpha',
    });
    expect(alpha({ config, file: { policy: 'psi' }, options: { policy: 'default' } }).value).toBe(0.01);
  });

  it.each([
    [{ alpha: 0 }, '--alpha: 0'],
    [{ alpha: 1 }, '--alpha: 1'],
    [{ alpha: Number.NaN }, '--alpha: NaN'],
    [{ policy: 'psy' }, '--policy: psy'],
    [{ failOn: 'none' }, '--fail-on: none'],
    [{ types: ['age'] }, '--type: "age"'],
    [{ types: ['=numeric'] }, '--type: "=numeric" names no column'],
    [{ types: ['age=number'] }, '--type: "age=number" names no type'],
    [{ types: ['age=text', 'age=numeric'] }, 'age is called both text and numeric'],
    [{ columns: [','] }, '--columns: "," names no column'],
  ])('refuses %j', (options: PolicyOptions, expected) => {
    expect(() => resolve({ options })).toThrow(
      expect.objectContaining({
        code: 'INVALID_INPUT',
        exitCode: 2,
        message: expect.stringContaining(expected) as string,
      }) as Error,
    );
  });

  it('reads types after the last "=", and names with commas in quotes', () => {
    const policy = resolve({
      options: { types: ['a=b=text', 'c = Numeric'], columns: ['x, "y, z",w', '"a=b"'] },
    });
    expect(policy.column('a=b').type).toEqual({ value: 'text', origin: '--type' });
    expect(policy.column('c ').type).toEqual({ value: 'numeric', origin: '--type' });
    const named = policy.named.filter(({ origin }) => origin === '--columns').map(({ name }) => name);
    expect(named).toEqual(['x', 'y, z', 'w', 'a=b']);
    expect(policy.chosen(['y', 'w', 'y, z', 'X'])).toEqual(['w', 'y, z']);
    expect(resolve().chosen(['y'])).toBeUndefined();
  });
});

describe('the rules of a column', () => {
  it('come from what is said of it by name, before what is said of all', () => {
    const config: DriftSettings = { columns: { age: { effect: 0.3, weight: 2, type: 'categorical' } } };
    const file: DriftSettings = { effect: 0.05 };
    const policy = resolve({ config, file });
    expect(policy.column('age').limits('D')).toEqual({
      value: { medium: 0.1 * (0.3 / 0.1), high: 0.1 * (0.3 / 0.1), critical: 0.4 },
      origin: 'config .mlops/config.json drift.columns.age.effect',
    });
    expect(policy.column('other').limits('D')).toEqual({
      value: { medium: 0.05, high: 0.2, critical: 0.4 },
      origin: 'config ci/drift.json effect',
    });
    expect(policy.column('age').weight).toEqual({
      value: 2,
      origin: 'config .mlops/config.json drift.columns.age.weight',
    });
    expect(policy.column('age').type).toEqual({
      value: 'categorical',
      origin: 'config .mlops/config.json drift.columns.age.type',
    });
    expect(policy.isWeighted).toBe(true);
  });

  it('take a stronger file for a stronger one, value by value', () => {
    const config: DriftSettings = { columns: { age: { limits: { D: { medium: 0.15, high: 0.3 } } } } };
    const local: DriftSettings = { columns: { age: { limits: { D: { high: 0.25 } }, ignore: true } } };
    const { limits, ignored } = resolve({ config, local }).column('age');
    expect(limits('D')).toEqual({
      value: { medium: 0.15, high: 0.25, critical: 0.4 },
      origin: 'config .mlops/local.json drift.columns.age.limits.D',
    });
    expect(ignored).toEqual({ value: true, origin: 'config .mlops/local.json drift.columns.age.ignore' });
  });

  it('leave alone what follows no floor', () => {
    const rules = resolve({ config: { effect: 0.5 } }).column('age');
    expect(rules.limits('nullShare').value).toEqual(DEFAULT_LIMITS.nullShare);
    expect(rules.limits('characterClasses').value.medium).toBeCloseTo(0.5, 12);
  });

  it('have limits of nulls of their own, and switched off ones that a floor does not switch on', () => {
    const rules = resolve({
      config: {
        limits: { W: null },
        columns: {
          age: {
            effect: 0.05,
            limits: { nullShare: { medium: 0.3 }, pointMass: { high: null, critical: null } },
          },
        },
      },
    }).column('age');
    expect(rules.limits('nullShare').value).toEqual({ medium: 0.3, high: 0.3, critical: 0.5 });
    expect(rules.limits('pointMass').value).toEqual({ medium: 0.05, high: Infinity, critical: Infinity });
    expect(rules.limits('W')).toEqual({ value: NEVER, origin: 'config .mlops/config.json drift.limits.W' });
  });

  it('are ignored by name or glob; --columns and --exclude decide before', () => {
    const config: DriftSettings = { ignore: ['emb_*', 'id'], columns: { emb_0: { ignore: false } } };
    const ignored = (name: string, options?: PolicyOptions) =>
      resolve({ config, ...(options === undefined ? {} : { options }) }).column(name).ignored;
    expect(ignored('emb_7')).toEqual({ value: true, origin: 'config .mlops/config.json drift.ignore.0' });
    expect(ignored('emb_0').value).toBe(false);
    expect(ignored('age').value).toBe(false);
    expect(ignored('emb_7', { columns: ['emb_*'] })).toEqual({ value: false, origin: '--columns' });
    expect(ignored('emb_7', { columns: ['emb_*'], exclude: ['*7'] })).toEqual({
      value: true,
      origin: '--exclude',
    });
    expect(ignored('emb_0', { exclude: ['*7'] }).value).toBe(false);
    expect(ignored('label', { columns: ['age'] }).value).toBe(false);
  });

  it('take weights from the file, before those of the settings', () => {
    const weights = new Map([
      ['age', 0.4],
      ['__proto__', 3],
    ]);
    const config: DriftSettings = { columns: { age: { weight: 2 }, amount: { weight: 5 } } };
    const policy = resolve({ config, options: { weights: { source: 'w.csv', weights } } });
    expect(policy.column('age').weight).toEqual({ value: 0.4, origin: '--weights w.csv' });
    expect(policy.column('amount').weight.value).toBe(5);
    expect(policy.column('__proto__').weight.value).toBe(3);
    expect(policy.column('toString').weight.value).toBe(1);
  });

  it('take names for names, whatever they are called', () => {
    fc.assert(
      fc.property(columnName, columnName, (name, other) => {
        const config: DriftSettings = { columns: [{ column: name, weight: 7, effect: 0.2 }] };
        const policy = resolve({ config });
        expect(policy.column(name).weight.value).toBe(7);
        expect(policy.column(name).limits('D').value.medium).toBeCloseTo(0.2, 12);
        if (other !== name) {
          expect(policy.column(other).weight.value).toBe(1);
          expect(policy.column(other).limits('D').value).toEqual(DEFAULT_LIMITS.D);
        }
      }),
    );
  });

  it('are the same whether columns are written as an object or as a list, and in whatever order', () => {
    fc.assert(
      fc.property(driftSettings, fc.infiniteStream(fc.nat()), ({ columns, ...settings }, keys) => {
        const listed = Object.entries(columns ?? {}).map(([column, own]) => ({ column, ...own }));
        const shuffled = listed
          .map((entry) => ({ entry, key: keys.next().value as number }))
          .toSorted((x, y) => x.key - y.key)
          .map(({ entry }) => entry);
        const one = resolve({ config: { ...settings, columns: columns ?? {} } });
        const other = resolve({ config: { ...settings, columns: shuffled } });
        for (const { column } of [...listed, { column: 'not named' }]) {
          expect(valuesOf(other, column)).toEqual(valuesOf(one, column));
        }
      }),
    );
  });

  it('have limits that ascend, whatever two files say', () => {
    fc.assert(
      fc.property(driftSettings, driftSettings, (config, file) => {
        const policy = resolve({ config, file });
        for (const column of [
          'not named',
          ...Object.keys(config.columns ?? {}),
          ...Object.keys(file.columns ?? {}),
        ]) {
          for (const { medium, high, critical } of Object.values(valuesOf(policy, column).limits)) {
            expect(medium).toBeLessThanOrEqual(high);
            expect(high).toBeLessThanOrEqual(critical);
          }
        }
      }),
    );
  });

  it('do not change when the settings are written to a file and read again', () => {
    fc.assert(
      fc.property(driftSettings, (settings) => {
        const direct = resolvePolicy({ config: [{ origin: 'config.json', settings }] });
        const read = resolve({ config: settings });
        expect({ kind: read.kind, alpha: read.alpha, failOn: read.failOn }).toEqual({
          kind: direct.kind,
          alpha: direct.alpha,
          failOn: direct.failOn,
        });
        for (const column of Object.keys(settings.columns ?? {})) {
          expect(valuesOf(read, column)).toEqual(valuesOf(direct, column));
        }
      }),
    );
  });
});

/** What holds for a column, without where it comes from. */
function valuesOf(policy: ResolvedPolicy, name: string) {
  const { ignored, type, weight, limits } = policy.column(name);
  const byName: Record<string, Limits> = {};
  for (const limit of LIMIT_NAMES) byName[limit] = limits(limit).value;
  return { ignored: ignored.value, type: type?.value, weight: weight.value, limits: byName };
}

describe('calibrated floors', () => {
  const calibration = {
    at: '2026-11-23T10:15:00.000Z',
    budget: 0.05,
    expectedAlerts: 0.04,
    comparisons: 24,
    source: 'history' as const,
    reference: 'train.csv',
    rows: { reference: 5000, smallestBatch: 900, largestBatch: 1100 },
    severity: 'medium' as const,
    margin: 1,
    floors: [
      {
        column: 'age',
        limit: 'D' as const,
        floor: 0.17,
        median: 0.1,
        largest: 0.165,
        before: 0.1,
        batches: 9,
      },
      {
        column: 'age',
        limit: 'W' as const,
        floor: 0.2,
        median: 0.1,
        largest: 0.19,
        before: 0.15,
        batches: 1,
      },
    ],
  };

  it('raise a limit and say what they rest on, and never lower one', () => {
    const rules = resolve({ config: { calibration } }).column('age');
    expect(rules.limits('D')).toEqual({
      value: { medium: 0.17, high: 0.2, critical: 0.4 },
      origin: 'config .mlops/config.json drift.calibration (calibration of 2026-11-23, 24 comparisons)',
    });
    expect(rules.limits('W')).toEqual({ value: DEFAULT_LIMITS.W, origin: 'default of mlops-2' });
  });

  it('hold against what the same file says, and give way to a stronger file', () => {
    const columns = { age: { limits: { D: { medium: 0.12 } } } };
    expect(resolve({ config: { calibration, columns } }).column('age').limits('D').value.medium).toBe(0.17);
    expect(
      resolve({ config: { calibration }, local: { columns } }).column('age').limits('D').value.medium,
    ).toBe(0.12);
  });

  it('are left out where new ones are looked for', () => {
    const config = [{ origin: 'config.json' as const, settings: { calibration } }];
    const policy = resolvePolicy({ config, withoutCalibration: true });
    expect(policy.column('age').limits('D').value).toEqual(DEFAULT_LIMITS.D);
    expect(policy.named).toEqual([]);
  });
});
