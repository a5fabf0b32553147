import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkNamedColumns, matchesName } from '../../../../src/core/drift/policy/column-names.ts';
import { splitNames, type PolicyOptions } from '../../../../src/core/drift/policy/options.ts';
import { resolvePolicy } from '../../../../src/core/drift/policy/resolve.ts';
import type { DriftSettings } from '../../../../src/config/drift-settings.ts';
import { columnName } from './settings.ts';

describe('matchesName', () => {
  it.each([
    ['emb_*', 'emb_1', true],
    ['emb_*', 'emb_', true],
    ['emb_?', 'emb_', false],
    ['*', 'a/b', true],
    ['a*c', 'a/b/c', true],
    ['**', 'a/b', true],
    ['a?c', 'a/c', true],
    ['b', 'a/b', false],
    ['*b', 'ab', true],
    ['what?', 'what?', true],
    ['*', '', true],
    ['age', 'Age', false],
  ])('%s means %s: %s', (pattern, name, expected) => {
    expect(matchesName(pattern, name)).toBe(expected);
  });

  it('takes every name for itself', () => {
    fc.assert(
      fc.property(columnName, columnName, (name, other) => {
        expect(matchesName(name, name)).toBe(true);
        if (!/[*?]/.test(name)) expect(matchesName(name, other)).toBe(name === other);
      }),
    );
  });
});

describe('splitNames', () => {
  it('gives back names that were put into quotes', () => {
    const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 10 }).map((text) => text.trim());
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 5 }), (names) => {
        const quoted = names.map((each) => `"${each.replaceAll('"', '""')}"`).join(', ');
        expect(splitNames(quoted)).toEqual(names);
      }),
    );
  });

  it.each([
    ['a,b', ['a', 'b']],
    [' a , b ', ['a', 'b']],
    ['a,', ['a', '']],
    ['5" pipe,b', ['5" pipe', 'b']],
    ['"a"b,c', ['"a"b', 'c']],
    ['', ['']],
  ])('%j is %j', (word, names) => {
    expect(splitNames(word)).toEqual(names);
  });
});

function check(options: PolicyOptions, settings: DriftSettings, columns: readonly string[]): string[] {
  const { named } = resolvePolicy({ config: [{ origin: 'config.json', settings }], options });
  return checkNamedColumns(named, columns);
}

describe('checkNamedColumns', () => {
  const columns = ['age', 'amount', 'emb_1'];

  it('says nothing where every name is of a column', () => {
    const settings: DriftSettings = { ignore: ['emb_*'], columns: { age: { effect: 0.2 } } };
    expect(check({ types: ['amount=text'], columns: ['a*'], exclude: ['age'] }, settings, columns)).toEqual(
      [],
    );
  });

  it('notes a name of a file that no column has, with the nearest one', () => {
    const settings: DriftSettings = {
      ignore: ['embb_*'],
      columns: { aeg: { effect: 0.2 }, zzz: { weight: 1 } },
    };
    expect(check({}, settings, columns)).toEqual([
      'config .mlops/config.json drift.ignore: there is no column `embb_*`; did you mean `emb_1`?',
      'config .mlops/config.json drift.columns: there is no column `aeg`; did you mean `age`?',
      'config .mlops/config.json drift.columns: there is no column `zzz`',
    ]);
  });

  it.each<[PolicyOptions, string]>([
    [{ types: ['aeg=text'] }, '--type: there is no column `aeg`'],
    [{ columns: ['age,amonut'] }, '--columns: there is no column `amonut`'],
    [{ exclude: ['x*'] }, '--exclude: there is no column that matches `x*`'],
  ])('refuses %j', (options, message) => {
    expect(() => check(options, {}, columns)).toThrow(
      expect.objectContaining({ code: 'UNKNOWN_COLUMN', exitCode: 2, message }) as Error,
    );
  });

  it('names what was meant on the command line', () => {
    expect(() => check({ types: ['amonut=text'] }, {}, columns)).toThrow(
      expect.objectContaining({ hint: 'did you mean `amount`?' }) as Error,
    );
  });

  it('accepts weights of columns that are not compared, but not of those only', () => {
    const weights = (...names: string[]) => ({
      source: 'w.csv',
      weights: new Map(names.map((name) => [name, 1])),
    });
    expect(check({ weights: weights('age', 'gone') }, {}, columns)).toEqual([
      '--weights w.csv: there is no column `gone`',
    ]);
    expect(() => check({ weights: weights('gone', 'Age') }, {}, columns)).toThrow(
      expect.objectContaining({
        code: 'UNKNOWN_COLUMN',
        message: '--weights w.csv: none of its 2 columns is in the data',
      }) as Error,
    );
  });

  it('writes names of the files and the data so that they stay on their line', () => {
    const settings: DriftSettings = { columns: { '\u001b[2Jage\n': { effect: 0.2 } } };
    const [note = ''] = check({}, settings, columns);
    expect(note).toContain('`\\x1b[2Jage\\n`');
    expect(note).not.toMatch(/[\u0000-\u001f]/);
  });

  it('stops after 20 notes', () => {
    const many = Object.fromEntries(
      Array.from({ length: 30 }, (_, index) => [`gone ${index}`, { weight: 1 }]),
    );
    const notes = check({}, { columns: many }, columns);
    expect(notes).toHaveLength(21);
    expect(notes.at(-1)).toBe('and 10 more columns that are not in the data');
  });
});
