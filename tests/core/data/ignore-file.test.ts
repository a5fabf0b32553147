import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  ignoreFileOf,
  ignoreRuleOf,
  isConflicted,
  withoutConflict,
  withoutRule,
  withRule,
} from '../../../src/core/data/ignore-file.ts';
import { tempGitRepo } from '../../support/temp-repo.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const textOf = (found: Uint8Array | undefined): string | undefined =>
  found === undefined ? undefined : Buffer.from(found).toString('latin1');

test.each([
  ['data/train.csv', 'data/.gitignore', '/train.csv'],
  ['train.csv', '.gitignore', '/train.csv'],
  ['a/b/#x', 'a/b/.gitignore', '/#x'],
  ['!x', '.gitignore', '/!x'],
  ['a*b?[c].csv', '.gitignore', '/a\\*b\\?\\[c].csv'],
  ['trailing  ', '.gitignore', '/trailing\\ \\ '],
])('the rule of %j is in %j and says %j', (path, file, rule) => {
  expect([ignoreFileOf(path), ignoreRuleOf(path)]).toEqual([file, rule]);
});

test.each([
  [undefined, '/x\n'],
  ['', '/x\n'],
  ['a', 'a\n/x\n'],
  ['a\n', 'a\n/x\n'],
  ['a\r\nb', 'a\r\nb\r\n/x\r\n'],
  ['a\r\n', 'a\r\n/x\r\n'],
  ['\ufeffa\n', '\ufeffa\n/x\n'],
  ['/xy\n#/x\n /x\n', '/xy\n#/x\n /x\n/x\n'],
  // Sorted among the rules of paths at the end, and only there: a later rule may take back what an earlier one says.
  ['/a\n/w\n/y\n/z\n', '/a\n/w\n/x\n/y\n/z\n'],
  ['/y\n*.tmp\n/w\n', '/y\n*.tmp\n/w\n/x\n'],
  ['/y\n!/y\n/z\n', '/y\n!/y\n/x\n/z\n'],
  ['/y\r\n/z', '/x\r\n/y\r\n/z'],
  ['/z', '/x\n/z'],
  ['/x', undefined],
  ['/x\n', undefined],
  ['a\r\n/x\r\nb\r\n', undefined],
])('a rule is added to %j', (before, after) => {
  const found = before === undefined ? undefined : Buffer.from(before);
  const changed = withRule(found, '/x');
  expect(changed === undefined ? undefined : Buffer.from(changed).toString()).toBe(after);
});

test('a rule that is added and taken back leaves every byte of lines that end as they were', () => {
  const Line = fc.string({ unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)) });
  fc.assert(
    fc.property(fc.array(Line), fc.constantFrom('\n', '\r\n'), (lines, ending) => {
      const clean = lines.map((line) => line.replace(/[\r\n]/g, '')).filter((line) => line !== '/x');
      const text = clean.map((line) => line + ending).join('');
      const added = withRule(bytes(text), '/x');
      const rule = `/x${text.includes('\r\n') ? '\r\n' : '\n'}`;
      const place = textOf(added)?.lastIndexOf(rule) ?? -1;
      expect(textOf(added)).toBe(text.slice(0, place) + rule + text.slice(place));
      // Nothing but rules of paths comes after it.
      expect(text.slice(place)).toMatch(/^(?:\/[^/\n]+\n)*$/);
      expect(textOf(withoutRule(added, '/x'))).toBe(text);
      expect(withoutRule(bytes(text), '/x')).toBeUndefined();
    }),
  );
});

test.each([
  ['a\n<<<<<<< HEAD\n/y\n=======\n/x\n>>>>>>> two\nb\n', 'a\n/x\n/y\nb\n'],
  ['<<<<<<< HEAD\r\n/y\r\n/z\r\n=======\r\n/y\r\n>>>>>>> two\r\n', '/y\r\n/z\r\n'],
  ['<<<<<<< HEAD\n/b\n||||||| 1234567\n/gone\n=======\n/a\n>>>>>>> two\n', '/a\n/b\n'],
  ['<<<<<<< HEAD\n/b\n=======\n>>>>>>> two\n/m\n<<<<<<< HEAD\n=======\n/z\n>>>>>>> two\n', '/b\n/m\n/z\n'],
])('a conflict about rules of paths is settled with those of both sides: %j', (before, after) => {
  expect(isConflicted(bytes(before))).toBe(true);
  expect(textOf(withoutConflict(bytes(before)))).toBe(after);
  expect(isConflicted(bytes(after))).toBe(false);
});

test.each([
  '<<<<<<< HEAD\n*.tmp\n=======\n/x\n>>>>>>> two\n',
  '<<<<<<< HEAD\n!/x\n=======\n/x\n>>>>>>> two\n',
  '<<<<<<< HEAD\n/x\n=======\n/y\n',
  '<<<<<<< HEAD\n/x\n>>>>>>> two\n',
  '=======\n/x\n>>>>>>> two\n',
])('a conflict about anything else is left to a person: %j', (text) => {
  expect(isConflicted(bytes(text))).toBe(true);
  expect(withoutConflict(bytes(text))).toBeUndefined();
});

test('a file without a conflict has none to settle', () => {
  for (const text of ['', '/x\n', '=======\n/x\n', '<<<<<<\n'])
    expect([isConflicted(bytes(text)), withoutConflict(bytes(text))]).toEqual([false, undefined]);
});

test('Git ignores by the rule exactly the path that it was made for', async () => {
  const names = ['a*b.csv', 'a?b.csv', '[ab].csv', 'a.csv', '#a', '!a', 'ends with space ', 'ünï.csv', '-x'];
  for (const name of names) {
    const repo = await tempGitRepo();
    for (const each of [...names, 'axb.csv', 'b.csv', `sub/${name}`]) await repo.write(each, 'x');
    await repo.write(ignoreFileOf(name), withRule(undefined, ignoreRuleOf(name)) ?? '');
    const left = await repo.git(
      '-c',
      'core.quotePath=false',
      'ls-files',
      '-z',
      '--others',
      '--exclude-standard',
    );
    const expected = [...names, 'axb.csv', 'b.csv', `sub/${name}`, '.gitignore'].filter(
      (each) => each !== name,
    );
    expect(
      left
        .split('\0')
        .filter((each) => each !== '')
        .toSorted(),
    ).toEqual(expected.toSorted());
  }
}, 60_000);
