import { describe, expect, it } from 'vitest';
import { DRIFT_COLUMN_TYPES, DRIFT_FAIL_ON, DRIFT_POLICIES } from '../../src/config/drift-names.ts';
import { columnSettings } from '../../src/config/drift-settings.ts';
import { loadConfig, parseDriftFile, readSetting, setSetting, unsetSetting } from '../../src/config/load.ts';
import { POLICY_KINDS } from '../../src/core/drift/policy/policy.ts';
import { COLUMN_TYPES, SEVERITIES } from '../../src/core/drift/report.ts';

const file = (content: unknown): Uint8Array =>
  new TextEncoder().encode(typeof content === 'string' ? content : JSON.stringify(content));

const problems = (content: unknown): string[] => {
  try {
    loadConfig({ config: file(content), env: {} });
  } catch (error) {
    return error instanceof Error ? error.message.split('\n') : [];
  }
  return [];
};

describe('the section drift of a configuration', () => {
  it('knows the words of the report and the policies', () => {
    expect(DRIFT_COLUMN_TYPES).toEqual(COLUMN_TYPES);
    expect(DRIFT_POLICIES).toEqual(POLICY_KINDS);
    expect(['none', ...DRIFT_FAIL_ON]).toEqual(SEVERITIES);
  });

  it('keeps what both files say, the weaker one first', () => {
    const config = file({ drift: { alpha: 0.005, columns: { age: { effect: 0.2 } } } });
    const local = file({ drift: { failOn: 'high' } });
    expect(loadConfig({ config, local, env: {} }).drift).toEqual([
      { origin: 'config.json', settings: { alpha: 0.005, columns: { age: { effect: 0.2 } } } },
      { origin: 'local.json', settings: { failOn: 'high' } },
    ]);
  });

  it.each([
    [{ alpa: 0.1 }, 'drift.alpa: unknown key, did you mean "alpha"?'],
    [{ columns: { age: { efect: 1 } } }, 'drift.columns.age.efect: unknown key, did you mean "effect"?'],
    [
      { columns: [{ column: 'age', efect: 1 }] },
      'drift.columns.0.efect: unknown key, did you mean "effect"?',
    ],
    [{ limits: { d: { medium: 0.2 } } }, 'drift.limits.d: unknown key, did you mean "D"?'],
    [
      { columns: { age: { limits: { D: { mediun: 0.2 } } } } },
      'drift.columns.age.limits.D.mediun: unknown key, did you mean "medium"?',
    ],
    [{ calibration: { budgett: 1 } }, 'drift.calibration.budgett: unknown key, did you mean "budget"?'],
  ])('says what was meant by a key that there is not: %j', (drift, expected) => {
    expect(problems({ drift }).some((line) => line.startsWith(`.mlops/config.json: ${expected}`))).toBe(true);
  });

  it.each([
    [{ alpha: 0 }, 'drift.alpha: more than 0'],
    [{ alpha: 1 }, 'drift.alpha: less than 1'],
    [{ policy: 'psy' }, 'drift.policy: default, pvalue, psi'],
    [{ failOn: 'none' }, 'drift.failOn: low, medium, high, critical'],
    [{ effect: 10 }, 'drift.effect: at most 1: it is a share of rows'],
    [{ columns: { age: { type: 'number' } } }, 'drift.columns.age.type: numeric, categorical'],
    [{ columns: { age: { weight: -1 } } }, 'drift.columns.age.weight: a weight is 0 or more'],
    [{ limits: { D: { medium: 15 } } }, 'drift.limits.D.medium: at most 1: it is a share of rows'],
    [{ limits: { D: { medium: 0.2, high: 0.1 } } }, 'drift.limits.D: limits do not descend'],
    [{ limits: { D: { medium: 0.2, critical: 0.1 } } }, 'drift.limits.D: limits do not descend'],
    [{ limits: { D: { medium: null, high: 0.1 } } }, 'drift.limits.D: limits do not descend'],
    [{ columns: 7 }, 'drift.columns: invalid input'],
    [{ columns: { age: 7 } }, 'drift.columns.age: invalid input'],
    [{ columns: [{ effect: 0.1 }] }, 'drift.columns.0.column: invalid input'],
  ])('refuses %j', (drift, expected) => {
    expect(problems({ drift }).map((line) => line.slice('.mlops/config.json: '.length))).toEqual(
      expect.arrayContaining([expect.stringContaining(expected) as string]),
    );
  });

  it('allows a W beyond 1, and null for what is never reached', () => {
    const limits = { W: { medium: 2, critical: null }, D: null };
    expect(loadConfig({ config: file({ drift: { limits } }), env: {} }).drift[0]?.settings).toEqual({
      limits,
    });
  });

  it('speaks of a column with a forbidden key as its name in a list', () => {
    const written = '{"drift":{"columns":{"constructor":{"ignore":true}}}}';
    expect(() => loadConfig({ config: file(written), env: {} })).toThrow(
      expect.objectContaining({
        hint: expect.stringContaining('[{"column": "constructor"') as string,
      }) as Error,
    );
    const listed = { drift: { columns: [{ column: '__proto__', ignore: true }] } };
    const [layer] = loadConfig({ config: file(listed), env: {} }).drift;
    expect(columnSettings(layer?.settings.columns)).toEqual([
      { column: '__proto__', path: 'columns.0', settings: { ignore: true } },
    ]);
  });

  it('is read and changed by mlops config, one setting at a time', () => {
    const before = { drift: { columns: { age: { effect: 0.2 } } } };
    const after = setSetting(before, 'drift.alpha', '0.05');
    expect(after.drift).toEqual({ alpha: 0.05, columns: { age: { effect: 0.2 } } });
    expect(unsetSetting(after, 'drift.alpha').drift).toEqual(before.drift);
    expect(setSetting({}, 'drift.ignore', 'id,emb_*').drift).toEqual({ ignore: ['id', 'emb_*'] });
    expect(readSetting({ env: {} }, 'drift.alpha')).toEqual({
      key: 'drift.alpha',
      value: 0.01,
      origin: 'default',
    });
    expect(() => setSetting({}, 'drift.alpha', '1.5')).toThrow('drift.alpha: "1.5": less than 1');
    expect(() => setSetting({}, 'drift.failOn', 'med')).toThrow('low, medium, high, critical');
  });
});

describe('the file of --config', () => {
  it('holds what the section holds, or a whole configuration of that section', () => {
    expect(parseDriftFile(file({ alpha: 0.02 }), 'ci/drift.json')).toEqual({ alpha: 0.02 });
    expect(parseDriftFile(file({ schema: 'mlops.config/1', drift: { alpha: 0.02 } }), 'd.json')).toEqual({
      alpha: 0.02,
    });
  });

  it.each([
    [{ alpa: 1 }, 'ci/drift.json: alpa: unknown key, did you mean "alpha"?'],
    [{ drift: { alpa: 1 } }, 'ci/drift.json: drift.alpa: unknown key, did you mean "alpha"?'],
    [{ drift: {}, stages: ['a'] }, 'ci/drift.json: stages: unknown key (allowed: schema, drift)'],
    [[], 'ci/drift.json: the file: invalid input'],
    ['{"alpha": 0.1,}', 'ci/drift.json:1:15:'],
    ['', 'ci/drift.json:1:1:'],
  ])('names file and path of what is wrong in %j', (content, expected) => {
    expect(() => parseDriftFile(file(content), 'ci/drift.json')).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        exitCode: 2,
        message: expect.stringContaining(expected) as string,
      }) as Error,
    );
  });
});
