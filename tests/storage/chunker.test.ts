import fc from 'fast-check';
import { expect, test } from 'vitest';
import { gearTable, MAX_CHUNK, MIN_CHUNK, nextCut } from '../../src/storage/chunker.ts';
import { sha256Hex } from '../../src/storage/digest.ts';
import { noise } from './support/scratch.ts';

function cutsOf(bytes: Uint8Array): number[] {
  const cuts: number[] = [];
  for (let start = 0; start < bytes.length;) {
    start = nextCut(bytes, start, true);
    cuts.push(start);
  }
  return cuts;
}

function idsOf(bytes: Uint8Array): string[] {
  let start = 0;
  return cutsOf(bytes).map((end) => {
    const id = sha256Hex(bytes.subarray(start, end));
    start = end;
    return id;
  });
}

/** The rule of docs/format.md 6.1 word for word, with big integers. */
function slowCut(bytes: Uint8Array): number {
  if (bytes.length <= MIN_CHUNK) return bytes.length;
  const gear = [...gearTable()].map((value) => BigInt(value >>> 0));
  let hash = 0n;
  for (let index = 524288; index < bytes.length; index += 1) {
    if (index === 4194304) return index;
    hash = ((hash << 1n) + (gear[bytes[index] ?? 0] ?? 0n)) % 2n ** 32n;
    if (hash >> (index < 1048576 ? 12n : 14n) === 0n) return index + 1;
  }
  return bytes.length;
}

test('the gear table is what the format says', () => {
  expect(gearTable()).toHaveLength(256);
  expect(gearTable()[7]).toBe(Buffer.from(sha256Hex(Buffer.from('mlops gear 1 7')), 'hex').readInt32LE(0));
});

test.each([1, 2, 3, 4])('cuts where a literal reading of the format cuts (seed %i)', (seed) => {
  const bytes = noise(3_000_000, seed);
  expect(nextCut(bytes, 0, true)).toBe(slowCut(bytes));
});

test('chunks respect the limits and average about a mebibyte', () => {
  const cuts = cutsOf(noise(48 * 1024 * 1024, 11));
  const lengths = cuts.map((end, index) => end - (cuts[index - 1] ?? 0));
  for (const length of lengths.slice(0, -1)) {
    expect(length).toBeGreaterThan(MIN_CHUNK);
    expect(length).toBeLessThanOrEqual(MAX_CHUNK);
  }
  const average = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
  expect(average).toBeGreaterThan(0.75 * 1024 * 1024);
  expect(average).toBeLessThan(1.5 * 1024 * 1024);
});

test('bytes without variety are cut at the maximum', () => {
  expect(cutsOf(new Uint8Array(2 * MAX_CHUNK + 5).fill(7))).toEqual([
    MAX_CHUNK,
    2 * MAX_CHUNK,
    2 * MAX_CHUNK + 5,
  ]);
});

test.each([0, 1, MIN_CHUNK - 1, MIN_CHUNK])('%i bytes are at most one chunk', (length) => {
  expect(cutsOf(noise(length))).toEqual(length === 0 ? [] : [length]);
});

test('asks for more until a cut is certain, and then cuts in the same place', () => {
  const bytes = noise(6 * 1024 * 1024, 5);
  const end = nextCut(bytes, 0, true);
  for (const available of [MIN_CHUNK, MIN_CHUNK + 1, end - 1]) {
    expect(nextCut(bytes.subarray(0, available), 0, false)).toBe(-1);
  }
  expect(nextCut(bytes.subarray(0, end), 0, false)).toBe(end);
});

test('an insertion anywhere changes few chunks', () => {
  const bytes = noise(12 * 1024 * 1024, 9);
  const before = new Set(idsOf(bytes));
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: bytes.length }),
      fc.uint8Array({ minLength: 1, maxLength: 1000 }),
      (at, extra) => {
        const changed = idsOf(Buffer.concat([bytes.subarray(0, at), extra, bytes.subarray(at)]));
        expect(changed.filter((id) => !before.has(id)).length).toBeLessThanOrEqual(4);
      },
    ),
    { numRuns: 15 },
  );
});
