import { describe, expect, test } from 'vitest';
import { githubReport } from '../../../../src/core/drift/formats/github.ts';
import { columnOf, reportOf } from '../support/report-fixtures.ts';
import { HOSTILE_TEXTS, hostileReport, paymentsReport, stableReport } from '../support/scenarios.ts';

interface Command {
  level: string;
  properties: Map<string, string>;
  message: string;
}

/** A line as the runner of GitHub Actions reads it (actions/toolkit, "command"); undefined for a line that is no command. */
function commandOf(line: string): Command | undefined {
  const match = /^::([a-z-]+)(?: ([^:]*))?::(.*)$/.exec(line);
  if (match === null) return undefined;
  const [, level = '', properties = '', message = ''] = match;
  const data = (text: string): string =>
    text.replaceAll('%0D', '\r').replaceAll('%0A', '\n').replaceAll('%25', '%');
  const pairs = properties.split(',').map((pair): [string, string] => {
    const at = pair.indexOf('=');
    const value = pair
      .slice(at + 1)
      .replaceAll('%3A', ':')
      .replaceAll('%2C', ',');
    return [pair.slice(0, at), data(value)];
  });
  return { level, properties: new Map(pairs), message: data(message) };
}

function commandsOf(text: string): Command[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => commandOf(line) ?? { level: 'none', properties: new Map(), message: line });
}

const many = (count: number, severity: 'high' | 'medium') =>
  Array.from({ length: count }, (_, index) =>
    columnOf(`${severity}${index}`, { severity, verdict: 'drift' }),
  );

describe('the annotations', () => {
  test('are an error a column at or above the limit, a warning without an answer, and the verdict at the end', () => {
    const commands = commandsOf(githubReport(paymentsReport()));
    expect(commands.map(({ level, properties }) => `${level} ${properties.get('title')}`)).toEqual([
      'error merchant_id: critical',
      'error zip: critical',
      'error amount: critical',
      'error country: high',
      'error age: medium',
      'error device_os: medium',
      'error created_at: medium',
      'warning comment: inconclusive',
      'notice Drift (critical)',
    ]);
    expect(commands[5]?.message).toBe('Δ 12 %, nulls 0 % → 12 %');
    expect(commands.at(-1)?.message).toMatch(/^7 of 17 columns .* fail-on medium: failed$/);
  });

  test('of drift below the limit are warnings', () => {
    const levels = commandsOf(githubReport(paymentsReport({ failOn: 'critical' }))).map(({ level }) => level);
    expect(levels.filter((level) => level === 'error')).toHaveLength(3);
    expect(levels.filter((level) => level === 'warning')).toHaveLength(5);
  });

  test('are at most ten a level, and the last line counts the rest', () => {
    const report = reportOf([...many(25, 'high'), ...many(13, 'medium')], { failOn: 'high' });
    const commands = commandsOf(githubReport(report));
    const of = (level: string): number => commands.filter((each) => each.level === level).length;
    expect([of('error'), of('warning'), of('notice')]).toEqual([10, 10, 1]);
    expect(commands.at(-1)?.message).toMatch(/; 18 more columns are not annotated$/);
    expect(commands[0]?.properties.get('title')).toBe('high0: high');
  });

  test('of a stable data set is the verdict alone', () => {
    expect(githubReport(stableReport(2))).toBe(
      '::notice title=Stable::no drift in 2 columns; policy mlops-2, alpha 0.01, fail-on medium: passed\n',
    );
  });

  test('no name or message ends its property or its line, or adds another', () => {
    const columns = HOSTILE_TEXTS.map((text) =>
      columnOf(text, { severity: 'high', verdict: 'drift', skipped: text }),
    );
    for (const column of columns) {
      const text = githubReport(reportOf([column], { notes: [column.column] }));
      const commands = commandsOf(text);
      expect(commands.map(({ level }) => level)).toEqual(['error', 'notice']);
      for (const { properties } of commands) expect([...properties.keys()]).toEqual(['title']);
      expect(text).not.toMatch(/[\r\u0000-\u0009\u000b-\u001f]/);
    }
    const [hostile] = commandsOf(githubReport(reportOf([columnOf('a:b,c=d%0A::x', { severity: 'high' })])));
    expect(hostile?.properties.get('title')).toBe('a:b,c=d%0A::x: high');
  });

  test('every line of a hostile report is a command of its own', () => {
    const levels = new Set(commandsOf(githubReport(hostileReport())).map(({ level }) => level));
    expect([...levels].toSorted()).toEqual(['error', 'notice']);
  });
});
