import type { Check, ColumnReport, DriftReport, Severity } from '../report.ts';
import { probability } from '../text-of.ts';
import { changeOf, findingsOf, sizeText } from './column-change.ts';
import { markupText } from './markup.ts';
import { isFailure, overviewOf, type OverviewRow } from './overview.ts';
import { plainText } from './phrase.ts';

const LONGEST_NAME = 500;

/**
 * JUnit XML, as CI servers read it: one test case a column and check of whole rows. What made the drift check fail is a failure, a column without an answer is skipped, drift below `failOn` passes with what was found in its output.
 */
export function junitReport(report: DriftReport): string {
  const { verdict, severity, summary, limit, rows, stable } = overviewOf(report);
  const { sources } = report;
  const cases = [...rows, ...stable].map((row) => caseOf(row, { report, worst: severity }));
  const failures = cases.filter(({ outcome }) => outcome === 'failure').length;
  const skipped = cases.filter(({ outcome }) => outcome === 'skipped').length;
  const counts = `tests="${cases.length}" failures="${failures}" errors="0" skipped="${skipped}"`;
  const suite = markupText(`${sources.reference.name} → ${sources.current.name}`, LONGEST_NAME);
  const properties = (
    [
      ['verdict', report.verdict],
      ['severity', severity],
      ['summary', `${verdict}: ${summary}`],
      ['rules', `policy ${report.policy}, ${limit}`],
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

function caseOf(row: OverviewRow, { report, worst }: { report: DriftReport; worst: Severity }): Case {
  const { name, own, state, change } = row;
  const text = markupText(plainText(change), LONGEST_NAME);
  const label = name === '' ? '(no name)' : markupText(name, LONGEST_NAME);
  const start = `    <testcase classname="${own ? 'drift.rows' : 'drift'}" name="${label}"`;
  if (isFailure(row, report, worst)) {
    const body = findingLines(row, report).map((line) => `${markupText(line)}\n`);
    const failure = `<failure type="${state}" message="${text}">\n${body.join('')}</failure>`;
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
    xml: `${start}>\n      <system-out>${state}: ${text}</system-out>\n    </testcase>\n`,
  };
}

function findingLines({ column, state, size, change }: OverviewRow, report: DriftReport): string[] {
  const findings = column === null ? [] : findingsOf(column, report.policy);
  if (column === null || findings.length === 0) {
    return [[state, size, plainText(change)].filter((part) => part !== '').join(', ')];
  }
  return findings.map((check) => findingLine(check, column, report));
}

/** `distribution: high, D 0.27, down: median ...; ks exact, p=3e-9, q=6e-9`. */
function findingLine(check: Check, column: ColumnReport, report: DriftReport): string {
  const found = [check.severity, sizeText(check), plainText(changeOf(check, column, report))];
  const numbers = [
    ...(check.pValue === null ? [] : [`p=${probability(check.pValue)}`]),
    ...(check.qValue === null ? [] : [`q=${probability(check.qValue)}`]),
  ];
  const how = check.test === 'none' ? [] : [check.test];
  const test = [...how, ...numbers].join(', ');
  return `${check.check}: ${found.filter((part) => part !== '').join(', ')}${test === '' ? '' : `; ${test}`}`;
}
