import type { Check, DriftReport } from '../report.ts';
import { probability } from '../text-of.ts';
import { changeOf, findingsOf, severityRank, sizeText } from './column-change.ts';
import { markupText } from './markup.ts';
import { overviewOf, rulesText, type OverviewRow } from './overview.ts';
import { plainText } from './phrase.ts';

const LONGEST_NAME = 500;

/**
 * JUnit XML, as CI servers read it: one test case a column. Drift at or above `failOn` is a failure, a column without an answer is
 * skipped, drift below `failOn` passes with what was found in its output.
 */
export function junitReport(report: DriftReport): string {
  const { verdict, summary, rows, stable } = overviewOf(report);
  const { sources } = report;
  const cases = [...rows, ...stable].map((row) => caseOf(row, report));
  const failures = cases.filter(({ outcome }) => outcome === 'failure').length;
  const skipped = cases.filter(({ outcome }) => outcome === 'skipped').length;
  const counts = `tests="${cases.length}" failures="${failures}" errors="0" skipped="${skipped}"`;
  const suite = markupText(`${sources.reference.name} → ${sources.current.name}`, LONGEST_NAME);
  const properties = (
    [
      ['verdict', report.verdict],
      ['severity', report.severity],
      ['summary', `${verdict}: ${summary}`],
      ['rules', rulesText(report)],
      ['reference', sources.reference.name],
      ['referenceRows', String(report.rows.reference)],
      ['current', sources.current.name],
      ['currentRows', String(report.rows.current)],
    ] as const
  ).map(([name, value]) => `      <property name="${name}" value="${markupText(value, LONGEST_NAME)}"/>\n`);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>\n',
    `<testsuites name="mlops drift" ${counts}>\n`,
    `  <testsuite name="${suite}" ${counts}>\n`,
    `    <properties>\n${properties.join('')}    </properties>\n`,
    ...cases.map(({ xml }) => xml),
    '  </testsuite>\n',
    '</testsuites>\n',
  ].join('');
}

interface Case {
  outcome: 'passed' | 'failure' | 'skipped';
  xml: string;
}

function caseOf(row: OverviewRow, report: DriftReport): Case {
  const { name, state, change, column } = row;
  const text = markupText(plainText(change), LONGEST_NAME);
  const label = name === '' ? '(no name)' : markupText(name, LONGEST_NAME);
  const start = `    <testcase classname="drift" name="${label}"`;
  if (severityRank(column.severity) >= severityRank(report.failOn)) {
    const body = findingsOf(column).map((check) => `${markupText(findingLine(check, row, report))}\n`);
    const failure = `<failure type="${column.severity}" message="${text}">\n${body.join('')}</failure>`;
    return { outcome: 'failure', xml: `${start}>\n      ${failure}\n    </testcase>\n` };
  }
  if (state === 'inconclusive' || state === 'skipped') {
    return {
      outcome: 'skipped',
      xml: `${start}>\n      <skipped message="${state}: ${text}"/>\n    </testcase>\n`,
    };
  }
  if (text === '') return { outcome: 'passed', xml: `${start}/>\n` };
  return {
    outcome: 'passed',
    xml: `${start}>\n      <system-out>${column.severity}: ${text}</system-out>\n    </testcase>\n`,
  };
}

/** `distribution: high, D 0.27, down: median ...; ks exact, p=3e-9, q=6e-9`. */
function findingLine(check: Check, { column }: OverviewRow, report: DriftReport): string {
  const found = [check.severity, sizeText(check), plainText(changeOf(check, column, report))];
  const numbers = [
    ...(check.pValue === null ? [] : [`p=${probability(check.pValue)}`]),
    ...(check.qValue === null ? [] : [`q=${probability(check.qValue)}`]),
  ];
  const how = check.test === 'none' ? [] : [check.test];
  const test = [...how, ...numbers].join(', ');
  return `${check.check}: ${found.filter((part) => part !== '').join(', ')}${test === '' ? '' : `; ${test}`}`;
}
