import { expect, test } from 'vitest';
import { checkOf, columnOf, compare } from './support/compare.ts';
import { column, type MemoryColumn } from './support/memory-side.ts';
import { Random } from './support/random.ts';

const WORDS = ['slow', 'delivery', 'great', 'box', 'of', 'the', 'broken', 'thanks', 'support', 'again'];

function reviews(seed: number, rows: number, words = 8): string[] {
  return new Random(seed)
    .numbers(rows, (random) => 1 + random.whole(words))
    .map((count, row) => {
      const random = new Random(seed * 7919 + row);
      return Array.from({ length: count }, () => WORDS[random.whole(WORDS.length)]).join(' ');
    });
}

const text = (cells: readonly (string | null)[]): MemoryColumn => column('review', cells, { type: 'text' });

test('texts of the same kind are stable', async () => {
  const report = await compare([text(reviews(1, 2000))], [text(reviews(2, 2000))]);
  expect(columnOf(report, 'review')).toMatchObject({ verdict: 'stable', severity: 'none', type: 'text' });
});

test('texts that became longer are drift in their lengths', async () => {
  const report = await compare([text(reviews(1, 1000))], [text(reviews(2, 1000, 16))]);
  const review = columnOf(report, 'review');
  expect(review.verdict).toBe('drift');
  expect(review.shift?.direction).toBe('up');
  expect(checkOf(report, 'review', 'distribution').message).toMatch(
    /^D=0\.\d+ at length \d+ \(ref \d+ % below, now \d+ %\), W=[\d.]+, median length [\d.]+ -> [\d.]+$/,
  );
  expect(review.histogram).not.toBeNull();
});

test('texts that became codes of the same length are drift in their characters', async () => {
  const codes = reviews(2, 1000).map((review) => review.replaceAll(/\S/g, '7'));
  const report = await compare([text(reviews(1, 1000))], [text(codes)]);
  expect(checkOf(report, 'review', 'distribution').verdict).toBe('stable');
  const classes = checkOf(report, 'review', 'character-classes');
  expect(classes).toMatchObject({ verdict: 'drift', severity: 'critical' });
  expect(classes.message).toMatch(/^(letters \d+ % -> 0 %|digits 0 % -> \d+ %) of the characters/);
});

test('one long text of other characters among a thousand is no drift', async () => {
  const report = await compare(
    [text(reviews(1, 1000))],
    [text([...reviews(2, 999), '1234567890'.repeat(10_000)])],
  );
  expect(checkOf(report, 'review', 'character-classes').verdict).not.toBe('drift');
  expect(columnOf(report, 'review').verdict).toBe('stable');
});

test('empty texts are counted', async () => {
  const some = reviews(2, 1000).map((review, row) => (row % 4 === 0 ? '' : review));
  const report = await compare([text(reviews(1, 1000))], [text(some)]);
  expect(checkOf(report, 'review', 'empty-strings')).toMatchObject({
    verdict: 'drift',
    severity: 'high',
    message: 'empty texts 0 % -> 25 %',
  });
});

test('empty texts only are compared without a crash', async () => {
  const report = await compare([text(Array(30).fill(''))], [text(Array(30).fill(''))]);
  expect(columnOf(report, 'review').verdict).toBe('stable');
});
