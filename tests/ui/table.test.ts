import { describe, expect, test } from 'vitest';
import { table } from '../../src/ui/table.ts';

const PIPE = { isTTY: false, color: false, columns: Infinity };
const columns = [{ header: 'MODEL' }, { header: 'SIZE', align: 'right' as const }, { header: 'NOTE' }];

describe('table', () => {
  test('aligns columns without borders and without space at line ends', () => {
    const rows = [
      ['fraud', '12 B', 'first'],
      ['churn_detector', '1.2 MiB', ''],
    ];
    expect(table({ columns, rows }, PIPE)).toBe(
      'MODEL              SIZE  NOTE\n' + 'fraud              12 B  first\n' + 'churn_detector  1.2 MiB\n',
    );
  });

  test('no rows are no text, so that a script sees an empty answer', () => {
    expect(table({ columns, rows: [] }, PIPE)).toBe('');
  });

  test.each([3, 500])(
    'looks the same with %i rows as one row does, whichever renderer draws it',
    (amount) => {
      const rows = Array.from({ length: amount }, (_, index) => [`m${index % 3}`, '1 B', '日本']);
      const lines = table({ columns, rows }, PIPE).split('\n');
      expect(lines[0]).toBe('MODEL  SIZE  NOTE');
      expect(new Set(lines.slice(1, -1))).toEqual(
        new Set(['m0      1 B  日本', 'm1      1 B  日本', 'm2      1 B  日本']),
      );
      expect(lines).toHaveLength(amount + 2);
    },
  );

  test('counts wide characters as two columns and combining marks as none', () => {
    const rows = [
      ['模型', '1', 'x'],
      ['cafe\u0301', '2', 'x'],
      ['abcd', '3', 'x'],
    ];
    expect(table({ columns: [{ header: 'M' }, { header: 'N' }, { header: 'O' }], rows }, PIPE)).toBe(
      'M     N  O\n模型  1  x\ncafe\u0301  2  x\nabcd  3  x\n',
    );
  });

  test('cuts the widest column on a terminal only', () => {
    const rows = [['fraud', '12 B', 'a description that is far too long for such a narrow terminal']];
    const lines = table({ columns, rows }, { isTTY: true, color: false, columns: 40 }).split('\n');
    expect(lines[1]).toBe('fraud  12 B  a description that is far …');
    expect(table({ columns, rows }, { isTTY: false, color: false, columns: 40 })).toContain(
      'narrow terminal\n',
    );
  });

  test('never cuts the first column, even where it is the widest', () => {
    const version = '20261124-000024-a-label-that-is-longer-than-all-else';
    const rows = [[version, '12 B', 'a note of some words']];
    const line = table({ columns, rows }, { isTTY: true, color: false, columns: 70 }).split('\n')[1] ?? '';
    expect(line.startsWith(`${version}  12 B  a `)).toBe(true);
    expect(line).toHaveLength(70);
  });

  test('shows headers as they are, because names differ by case', () => {
    const rows = [['v1', '1', '2']];
    const named = [{ header: 'VERSION' }, { header: 'auc' }, { header: 'AUC' }];
    expect(table({ columns: named, rows }, PIPE).split('\n')[0]).toBe('VERSION  auc  AUC');
  });

  test('a terminal too narrow for any cut still gets every column', () => {
    const rows = [['fraud_detector', '12 B', 'description']];
    const line = table({ columns, rows }, { isTTY: true, color: false, columns: 5 }).split('\n')[1];
    expect(line).toBe('fraud_detector  12 B  descrip…');
  });

  test('untrusted text can neither move the cursor nor start a new row', () => {
    const rows = [['a\u001b[2Jb', '1', 'x\nfake  row']];
    expect(table({ columns, rows }, PIPE)).toBe('MODEL      SIZE  NOTE\na\\x1b[2Jb     1  x\\nfake  row\n');
  });

  test('styles cells after alignment, and only when colours are on', () => {
    const styled = [
      { header: 'STAGE', style: (paint: { green(text: string): string }, text: string) => paint.green(text) },
    ];
    const rows = [['ok']];
    expect(table({ columns: styled, rows }, PIPE)).toBe('STAGE\nok\n');
    expect(table({ columns: styled, rows }, { isTTY: true, color: true, columns: 80 })).toBe(
      '\u001b[1mSTAGE\u001b[22m\n\u001b[32mok\u001b[39m\n',
    );
  });
});
