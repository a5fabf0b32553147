import { describe, expect, it } from 'vitest';
import { driftCalibration, type CalibrationTable } from '../../src/ui/drift-calibration.ts';

const FLOOR = {
  column: 'age',
  limit: 'D',
  before: 0.1,
  floor: 0.453,
  median: 0.2,
  largest: 0.427,
  batches: 3,
};

const CALIBRATION: CalibrationTable = {
  severity: 'medium',
  budget: 0.05,
  expectedAlerts: 1 / 25,
  comparisons: 24,
  margin: 1.0612,
  source: 'history',
  reference: 'train.csv',
  rows: { reference: 5000, smallestBatch: 400, largestBatch: 1500 },
  floors: [FLOOR],
  batches: [
    { name: 'a.csv', alerts: ['`age` D=0.42'] },
    { name: 'b.csv', alerts: [] },
  ],
  notes: ['a note'],
  written: '.mlops/config.json',
};

const PLAIN = { isTTY: false, color: false, columns: Infinity };

describe('driftCalibration', () => {
  it('shows what was compared, each floor and what is to be expected', () => {
    expect(driftCalibration(CALIBRATION, PLAIN)).toBe(
      [
        '24 past batches of 400 to 1,500 rows against train.csv (5,000 rows): 1 alert without floors',
        '',
        'COLUMN  LIMIT  BEFORE  FLOOR  MEDIAN  LARGEST  BATCHES',
        'age     D         0.1  0.453     0.2    0.427  3 of 24',
        '',
        'of batches like these up to about 4 % will alert (budget 5 %); each floor is 1.06 times the largest effect',
        'note: a note',
        'written to .mlops/config.json',
        '',
      ].join('\n'),
    );
  });

  it('says so where nothing has to change', () => {
    const text = driftCalibration(
      { ...CALIBRATION, floors: [], notes: [], written: null, source: 'time' },
      PLAIN,
    );
    expect(text).toContain('24 blocks of later rows of');
    expect(text).toContain('\nno medium limit has to be raised\n');
    expect(text).not.toContain('times the largest effect');
  });

  it('keeps names of files and columns on their line', () => {
    const text = driftCalibration(
      {
        ...CALIBRATION,
        reference: 'a\u001b[2J.csv',
        floors: [
          { ...FLOOR, column: '\u202eage\n' },
          { ...FLOOR, column: '' },
        ],
      },
      PLAIN,
    );
    expect(text).toContain('a\\x1b[2J.csv');
    expect(text).toContain('\n\\u202eage\\n ');
    expect(text).toContain('\n(no name) ');
  });
});
