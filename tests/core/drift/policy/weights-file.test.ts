import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseWeights } from '../../../../src/core/drift/policy/weights-file.ts';
import { columnName } from './settings.ts';

const parse = (text: string) => parseWeights(new TextEncoder().encode(text), 'w.csv');

describe('parseWeights', () => {
  it.each([
    ['column,weight\nage,0.4\namount,2\n'],
    ['feature,importance\r\nage,0.4\r\namount,2\r\n'],
    ['\ufeffage,0.4\namount,2'],
    ['"age",0.4\n\namount, 2\n'],
    ['{"age": 0.4, "amount": 2}'],
    [' [{"column": "age", "weight": 0.4}, {"column": "amount", "weight": 2}]'],
  ])('reads %j', (text) => {
    expect([...parse(text)]).toEqual([
      ['age', 0.4],
      ['amount', 2],
    ]);
  });

  it.each([
    ['', 'holds no weights'],
    ['column,weight\n', 'holds no weights'],
    ['age,0\namount,0\n', 'all weights are 0'],
    ['age,high\n', 'line 1: "high" is no weight'],
    ['age,1\nweight,weight\n', 'line 2: "weight" is no weight'],
    ['age,1\ncolumn,weight\n', 'line 2: "weight" is no weight'],
    ['age,-1\n', 'line 1: "-1" is no weight'],
    ['age,\n', 'line 1: "" is no weight'],
    ['age,Infinity\n', 'is no weight'],
    ['age,1,2\n', 'line 1: 3 cells'],
    ['age\n', 'line 1: 1 cells'],
    ['age,1\nage,2\n', 'line 2: the column "age" is there twice'],
    ['"age,1\n', 'w.csv: '],
    ['{"age": "1"}', 'is neither'],
    ['{"age": -1}', 'is neither'],
    ['{"age": 1', 'w.csv:1:10: unexpected end of the file'],
    ['{"age": 1, "age": 2}', 'duplicate key'],
    ['{"constructor": 1}', 'the key "constructor" is not allowed'],
    [
      '[{"column": "a", "weight": 1}, {"column": "a", "weight": 2}]',
      'entry 2: the column "a" is there twice',
    ],
    ['[1, 2]', 'is neither'],
  ])('refuses %j', (text, message) => {
    expect(() => parse(text)).toThrow(
      expect.objectContaining({
        code: 'WEIGHTS_INVALID',
        exitCode: 2,
        message: expect.stringContaining(message) as string,
      }) as Error,
    );
  });

  it('refuses what is no text', () => {
    expect(() => parseWeights(Uint8Array.of(0xff, 0xfe, 0x61, 0x00), 'w.csv')).toThrow(
      'w.csv: is not UTF-8 text',
    );
  });

  it('keeps every name as it is, in CSV and in a JSON list', () => {
    const entry = fc.tuple(columnName, fc.double({ min: 0.001, max: 1e9, noNaN: true }));
    fc.assert(
      fc.property(
        fc.uniqueArray(entry, { selector: ([name]) => name, minLength: 1, maxLength: 8 }),
        (entries) => {
          const csv = entries.map(([name, weight]) => `"${name.replaceAll('"', '""')}",${weight}\n`).join('');
          expect([...parse(csv)]).toEqual(entries);
          const json = JSON.stringify(entries.map(([column, weight]) => ({ column, weight })));
          expect([...parse(json)]).toEqual(entries);
        },
      ),
    );
  });
});
