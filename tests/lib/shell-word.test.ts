import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shellWord } from '../../src/lib/shell-word.ts';
import { printable } from '../../src/lib/terminal-text.ts';

describe('shellWord', () => {
  it.each([
    ['data/train.csv', 'data/train.csv'],
    ['données/日本語.csv', 'données/日本語.csv'],
    ['a b.csv', "'a b.csv'"],
    ["it's", String.raw`'it'\''s'`],
    ['$(id)', "'$(id)'"],
    ['-rf', './-rf'],
    ['-r f', "'./-r f'"],
    ['~/x', "'~/x'"],
    ['', "''"],
    ['a\nb', String.raw`'a\nb'`],
  ])('of %j is %s', (text, word) => {
    expect(shellWord(text)).toBe(word);
  });

  it('is one word for a shell, which runs nothing of it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 12 }), (text) => {
        const shown = printable(text).replace(/^-/, './-');
        const script = `set -- ${shellWord(text)}; printf '%s|%s' "$#" "$1"`;
        expect(execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8' })).toBe(`1|${shown}`);
      }),
      { numRuns: 100 },
    );
  }, 60_000);
});
