import { describe, expect, test } from 'vitest';
import { parsePushedRefs } from '../../../src/core/hooks/pushed-refs.ts';

const [A, B, C] = ['a', 'b', 'c'].map((digit) => digit.repeat(40)) as [string, string, string];
const NONE = '0'.repeat(40);

describe('parsePushedRefs', () => {
  test('takes the tips and where they stand on the remote, each once', () => {
    const input = [
      `refs/heads/main ${A} refs/heads/main ${B}`,
      `HEAD@{1 day ago} ${A} refs/heads/old ${NONE}`,
      `refs/tags/v1 ${C} refs/tags/v1 ${NONE}`,
      `(delete) ${NONE} refs/heads/gone ${B}`,
      '',
    ].join('\n');
    expect(parsePushedRefs(input, 'origin')).toEqual({ remote: 'origin', tips: [A, C], known: [B] });
  });

  test('takes SHA-256 ids, and line ends of Windows', () => {
    const id = 'd'.repeat(64);
    const input = `refs/heads/main ${id} refs/heads/main ${'0'.repeat(64)}\r\n`;
    expect(parsePushedRefs(input, undefined)).toEqual({ remote: undefined, tips: [id], known: [] });
  });

  test('nothing is nothing', () => {
    expect(parsePushedRefs('', 'origin').tips).toEqual([]);
  });

  test.each([
    'refs/heads/main',
    `refs/heads/main ${A} refs/heads/main`,
    `refs/heads/main ${A.slice(1)} refs/heads/main ${B}`,
    `refs/heads/main --output=x refs/heads/main ${B}`,
  ])('refuses %s', (line) => {
    expect(() => parsePushedRefs(`${line}\n`, 'origin')).toThrow('is no line of a pre-push hook');
  });
});
