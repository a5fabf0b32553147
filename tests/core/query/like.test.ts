import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { matchesLike } from '../../../src/core/query/like.ts';

const exact = { ignoreCase: false };

test.each([
  ['', '', true],
  ['', '%', true],
  ['', '_', false],
  ['a', '', false],
  ['abc', 'abc', true],
  ['abc', 'ABC', false],
  ['abc', 'ab', false],
  ['abc', '%bc', true],
  ['abc', 'a%', true],
  ['abc', 'a_c', true],
  ['abbc', 'a_c', false],
  ['abcbc', 'a%bc', true],
  ['mississippi', 'm%iss%pi', true],
  ['mississippi', '%s_i%', true],
  ['100%', '100%', true],
  ['a.c', 'a.c', true],
  ['abc', 'a.c', false],
  ['a\nb', 'a%b', true],
  ['😀', '_', true],
  ['😀', '__', false],
])('"%s" LIKE "%s" is %s', (text, pattern, expected) => {
  expect(matchesLike(text, pattern, exact)).toBe(expected);
});

test('ILIKE folds the case of both sides', () => {
  expect(matchesLike('Größe', 'GRÖSSE', { ignoreCase: true })).toBe(false);
  expect(matchesLike('GRÖẞE', 'größ_', { ignoreCase: true })).toBe(true);
});

test('agrees with a straightforward definition on small inputs', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 });
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '%', '_'), maxLength: 8 });
  fc.assert(
    fc.property(text, pattern, (subject, wanted) => {
      expect(matchesLike(subject, wanted, exact)).toBe(matchesByDefinition(subject, wanted));
    }),
    { numRuns: 2000 },
  );
});

// Backtracking matchers need exponentially many steps here and would not come back within the test's time limit.
test('comes back on a pattern made to blow up', () => {
  expect(matchesLike('a'.repeat(6000), `${'%a'.repeat(1000)}%b`, exact)).toBe(false);
  expect(matchesLike('a'.repeat(6000), `${'%a'.repeat(1000)}%`, exact)).toBe(true);
});

function matchesByDefinition(text: string, pattern: string): boolean {
  if (pattern === '') return text === '';
  const rest = pattern.slice(1);
  if (pattern.startsWith('%')) {
    return Array.from({ length: text.length + 1 }, (_, skip) => text.slice(skip)).some((tail) =>
      matchesByDefinition(tail, rest),
    );
  }
  if (text === '' || (!pattern.startsWith('_') && pattern[0] !== text[0])) return false;
  return matchesByDefinition(text.slice(1), rest);
}
