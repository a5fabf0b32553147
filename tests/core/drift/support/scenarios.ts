import type { ColumnReport, DriftReport } from '../../../../src/core/drift/report.ts';
import {
  categoricalColumn,
  checkOf,
  columnOf,
  effectOf,
  normalSample,
  numericColumn,
  reportOf,
  sideOf,
} from './report-fixtures.ts';

const DAY = 86_400_000;

function shifted(
  column: string,
  seed: number,
  change: { mean?: number; sd?: number; by?: (value: number) => number },
) {
  const by = change.by ?? ((value) => value);
  return numericColumn(column, {
    reference: normalSample(3000, { mean: 0, sd: 1, seed }).map(by),
    current: normalSample(812, { mean: change.mean ?? 0, sd: change.sd ?? 1, seed: seed + 1 }).map(by),
  });
}

const schemaCheck = (check: 'missing-column' | 'new-column' | 'type-change', severity: 'critical' | 'low') =>
  checkOf(check, [effectOf('schema', 1)], {
    test: 'none',
    statistic: null,
    pValue: null,
    qValue: null,
    effect: null,
    effectKind: null,
    minimumDetectableEffect: null,
    severity,
    verdict: severity === 'critical' ? 'drift' : 'stable',
    reason: 'a fact, not a test',
  });

/** Made once, as its samples take a while. */
let payments: readonly ColumnReport[] | undefined;

/** A day of card payments against the training data: each kind of finding at least once. */
export function paymentsReport(more: Partial<DriftReport> = {}): DriftReport {
  payments ??= paymentsColumns();
  return reportOf(payments, {
    rows: { reference: 3000, current: 812 },
    sources: {
      reference: { name: 'fraud_detector@production', kind: 'profile', duplicates: null },
      current: {
        name: 'data/2026-11-23.parquet',
        kind: 'table',
        duplicates: { rows: 9, share: 0.011, exact: true },
      },
    },
    schema: {
      missing: ['merchant_id'],
      added: ['channel'],
      typeChanged: [{ column: 'zip', from: 'numeric', to: 'text' }],
      renamed: [{ from: 'merchant_id', to: 'channel', reason: 'their distributions differ by D=0.02' }],
    },
    notes: ['the reference is a profile of 1,001 quantiles: D and W are lower bounds'],
    ...more,
  });
}

function paymentsColumns(): ColumnReport[] {
  const amount = shifted('amount', 1, { mean: 1.1, by: (value) => Math.exp(3.2 + 0.9 * value) });
  const columns: ColumnReport[] = [
    columnOf('merchant_id', {
      type: 'categorical',
      checks: [schemaCheck('missing-column', 'critical')],
      reference: sideOf(3000, { distinct: 412 }),
      current: null,
    }),
    columnOf('zip', {
      type: 'numeric',
      checks: [schemaCheck('type-change', 'critical')],
      reference: sideOf(3000),
      current: sideOf(812, { unparsable: 640 }),
    }),
    {
      ...amount,
      outOfRange: [{ side: 'above', limit: 412.5, reached: 9120, rows: 26, share: 0.032 }],
      checks: [...amount.checks, checkOf('above-range', [effectOf('share', 0.032)], { test: 'exceedance' })],
      notes: ['rows depend on one another (lag-1 rank correlation 0.31): 1,580 of 3,000 rows are counted'],
      dependence: { referenceR: 0.31, currentR: 0.12, referenceEffective: 1580, currentEffective: 638 },
    },
    shifted('age', 11, { mean: -0.42, by: (value) => Math.round(44 + 13 * value) }),
    categoricalColumn('country', [
      ['DE', 1210, 160],
      ['FR', 640, 288],
      ['NL', 520, 120],
      ['PL', 330, 101],
      ['AT', 300, 83],
      ['XK', 0, 60],
    ]),
    columnOf('device_os', {
      type: 'categorical',
      checks: [
        checkOf('null-share', [effectOf('shareDifference', 0.12)], {
          test: 'fisher',
          message: 'nulls 0 % -> 12 %',
        }),
      ],
      reference: sideOf(3000),
      current: sideOf(812, { nulls: 97 }),
    }),
    shifted('created_at', 21, {
      mean: 0.3,
      by: (value) => Date.UTC(2026, 9, 1) + Math.round(value * 9) * DAY,
    }),
    columnOf('channel', { checks: [schemaCheck('new-column', 'low')], type: null, reference: null }),
    columnOf('comment', {
      type: 'text',
      verdict: 'inconclusive',
      minimumDetectableEffect: 0.23,
      checks: [checkOf('distribution', [effectOf('D', 0.08)], { verdict: 'inconclusive' })],
      reference: sideOf(120, { nulls: 2880, median: 34 }),
      current: sideOf(98, { nulls: 714, median: 33 }),
    }),
    columnOf('payload', {
      type: null,
      verdict: 'skipped',
      skipped: 'nested values (STRUCT) are not compared',
    }),
    ...['hour', 'latitude', 'longitude', 'basket_size', 'account_age', 'attempts', 'risk_score'].map(
      (name, index) => shifted(name, 31 + 2 * index, {}),
    ),
  ];
  return columns.map((column) =>
    column.column === 'created_at' ? { ...column, type: 'datetime' as const } : column,
  );
}

/** A report in which nothing has changed. */
export function stableReport(columns = 3): DriftReport {
  return reportOf(
    Array.from({ length: columns }, (_, index) => shifted(`x${index}`, 100 + 2 * index, {})),
    { rows: { reference: 3000, current: 812 } },
  );
}

/** Names and values that try to leave the place they are put into, each medium's way. */
export const HOSTILE_TEXTS: readonly string[] = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' onmouseover='alert(1)",
  '</style><svg onload=alert(1)>',
  '</title></details></table>',
  '<!-- --><![CDATA[ x ]]>]]>',
  '&lt;b&gt;&amp;&#60;',
  'a|b\\|c\\\\|d',
  '`code` ``two`` ```three',
  '`',
  ' ` ',
  '@octocat and #1 and GH-1 and torvalds/linux#2',
  '[link](https://evil.example) ![image](https://evil.example/x.png) <https://evil.example>',
  'https://evil.example www.evil.example mail@evil.example',
  '**bold** _it_ ~~x~~ # heading',
  '| --- | --- |',
  'line one\nline two\r\n## heading\n\n* item',
  '::error::injected\n::set-output name=x::y',
  '%0A::error::injected%0D',
  'title=x,file=y:z',
  '\u001b[31mred\u0007\u0000\u0008',
  '\u202egnp.exe\u2028\u2029\ufeff\ufffe\uffff\ud800',
  '__proto__',
  'constructor',
  'toString',
  '',
  ' ',
  'x'.repeat(5000),
  '🦊'.repeat(300),
  '模型 カタカナ العربية',
  'a{b="c",d="e"} 1\n# HELP x',
  'back\\slash\\n',
  '${jndi:x} {{7*7}} $(id)',
];

/** Every hostile text as a column's name, a category, a message and a note. */
export function hostileReport(): DriftReport {
  const columns = HOSTILE_TEXTS.flatMap((text, index): ColumnReport[] => {
    const hostile = checkOf('point-mass', [effectOf('shareDifference', 0.3)], {
      message: text,
      test: text,
      reason: text,
    });
    if (index % 2 === 0) {
      return [
        categoricalColumn(
          text,
          [
            ...HOSTILE_TEXTS.slice(0, 12).map((each, place): [string, number, number] => [
              each.slice(0, 200),
              10 * (place + 1),
              400 - 20 * place,
            ]),
            [text.slice(0, 200), 0, 90],
          ],
          { checks: [hostile], notes: [text], typeReason: text, message: text },
        ),
      ];
    }
    const column = shifted(text, 500 + index, { mean: 0.6 });
    return [
      {
        ...column,
        checks: [...column.checks, hostile],
        notes: [text],
        typeReason: text,
        message: text,
        additional: [{ name: text, value: null, pValue: null, null95: null, reason: text }],
      },
    ];
  });
  const skipped = HOSTILE_TEXTS.map((text, index) =>
    columnOf(`skipped ${index} ${text}`, { verdict: 'skipped', skipped: text }),
  );
  return reportOf([...columns, ...skipped], {
    message: HOSTILE_TEXTS.join(' '),
    policy: '<i>policy</i>',
    sources: {
      reference: { name: '"><b>ref</b>\n@octocat.csv', kind: 'table', duplicates: null },
      current: { name: '`|$(id)|`.csv', kind: 'table', duplicates: null },
    },
    schema: {
      missing: [...HOSTILE_TEXTS],
      added: [...HOSTILE_TEXTS],
      typeChanged: HOSTILE_TEXTS.map((column) => ({ column, from: column, to: '<u>' })),
      renamed: HOSTILE_TEXTS.map((from) => ({ from, to: '<u>', reason: from })),
    },
    notes: [...HOSTILE_TEXTS],
  });
}
