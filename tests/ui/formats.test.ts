import { describe, expect, test } from 'vitest';
import { formatBytes, formatExactBytes } from '../../src/ui/bytes.ts';
import { keyValues } from '../../src/ui/key-values.ts';
import { count, formatMetric } from '../../src/ui/numbers.ts';
import { formatDuration, formatTime } from '../../src/ui/time.ts';
import { displayWidth, pad, truncate } from '../../src/ui/width.ts';

const KIB = 1024;

describe('formatBytes', () => {
  test.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1536, '1.5 KiB'],
    [10 * KIB, '10 KiB'],
    [1023.4 * KIB, '1023 KiB'],
    [1023.6 * KIB, '1.0 MiB'],
    [1.2 * KIB ** 2, '1.2 MiB'],
    [9.96 * KIB ** 3, '10 GiB'],
    [2 * KIB ** 4, '2.0 TiB'],
    [5000 * KIB ** 5, '5000 PiB'],
    [NaN, '-'],
    [Infinity, '-'],
  ])('%d bytes are %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  test('the exact form says every byte', () => {
    expect(formatExactBytes(1)).toBe('1 byte');
    expect(formatExactBytes(1000)).toBe('1,000 bytes');
    expect(formatExactBytes(1_258_291)).toBe('1.2 MiB (1,258,291 bytes)');
  });
});

describe('formatTime', () => {
  const now = new Date('2026-11-23T10:00:00.000Z');

  test.each([
    ['2026-11-23T09:59:30.000Z', 'just now'],
    ['2026-11-23T10:00:30.000Z', 'just now'],
    ['2026-11-23T09:59:00.000Z', '1 minute ago'],
    ['2026-11-23T07:00:00.000Z', '3 hours ago'],
    ['2026-11-21T10:00:00.000Z', '2 days ago'],
    ['2026-10-20T10:00:00.000Z', '1 month ago'],
    ['2023-11-20T10:00:00.000Z', '3 years ago'],
  ])('on a terminal %s is %s', (time, text) => {
    expect(formatTime(time, { isTTY: true, now })).toBe(text);
  });

  test.each(['2026-11-23T07:00:00.000Z', 'nonsense'])('elsewhere %s stays as it is', (time) => {
    expect(formatTime(time, { isTTY: false, now })).toBe(time);
  });

  test('a time in the future, from a clock that runs ahead, is shown as it is', () => {
    expect(formatTime('2026-11-24T10:00:00.000Z', { isTTY: true, now })).toBe('2026-11-24T10:00:00.000Z');
  });

  test.each([
    [0, '0s'],
    [-5, '0s'],
    [59_400, '59s'],
    [59_600, '1m 00s'],
    [185_000, '3m 05s'],
    [7_620_000, '2h 07m'],
  ])('%d ms last %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});

describe('formatMetric', () => {
  test.each([
    [0, '0'],
    [-0, '0'],
    [0.95, '0.95'],
    [0.1 + 0.2, '0.3'],
    [1 / 3, '0.333333'],
    [-12.5, '-12.5'],
    [123_456_789, '123456789'],
    [1_234_567.89, '1234567.9'],
    [0.000_001_234_5, '1.2345e-6'],
    [1.5e300, '1.5e+300'],
    [NaN, 'NaN'],
    [Infinity, '∞'],
    [-Infinity, '-∞'],
  ])('%d is %s', (value, text) => {
    expect(formatMetric(value)).toBe(text);
  });

  test('count says one and many', () => {
    expect([count(1, 'file'), count(2, 'file'), count(100_000, 'entry', 'entries')]).toEqual([
      '1 file',
      '2 files',
      '100,000 entries',
    ]);
  });
});

describe('width', () => {
  test('wide characters count twice, combining marks not at all', () => {
    expect(['abc', '模型', 'e\u0301', ''].map(displayWidth)).toEqual([3, 4, 1, 0]);
  });

  test.each([
    ['abcdef', 6, 'abcdef'],
    ['abcdef', 4, 'abc…'],
    ['模型模型', 4, '模…'],
    ['e\u0301e\u0301e\u0301', 2, 'e\u0301…'],
    ['👩‍👩‍👧x long', 4, '👩‍👩‍👧x…'],
    ['abc', 0, ''],
  ])('%s cut to %d columns is %s', (text, width, cut) => {
    expect(truncate(text, width)).toBe(cut);
    expect(displayWidth(cut)).toBeLessThanOrEqual(width);
  });

  test('pads on either side and never cuts', () => {
    expect([pad('模', 4), pad('模', 4, 'right'), pad('abc', 2)]).toEqual(['模  ', '  模', 'abc']);
  });
});

describe('keyValues', () => {
  test('aligns values, leaves out what is absent and gives several values a line each', () => {
    const text = keyValues(
      [
        ['Model', 'fraud'],
        ['Description', undefined],
        ['Stages', ['staging', 'production']],
        ['Tags', []],
      ],
      { color: false },
    );
    expect(text).toBe('Model:   fraud\nStages:  staging\n         production\n');
  });

  test('names and values from outside stay on their line', () => {
    expect(keyValues([['tag\u001b[2J', 'a\nb']], { color: false })).toBe('tag\\x1b[2J:  a\\nb\n');
  });

  test('nothing to show is no text', () => {
    expect(keyValues([], { color: true })).toBe('');
  });
});
