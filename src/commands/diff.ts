import * as z from 'zod';
import { defineCommand } from '../cli/command.ts';
import { diffVersions, type Change, type FileChange, type VersionDiff } from '../core/registry/diff.ts';
import { summarise, VersionSummary } from '../core/registry/version-summary.ts';
import { formatBytes } from '../ui/bytes.ts';
import { count, formatMetric } from '../ui/numbers.ts';
import { table } from '../ui/table.ts';
import type { Terminal } from '../ui/terminal.ts';

const Value = z.lazy(() => z.union([z.string(), z.number()]).nullable());
const NonFinite = z.lazy(() => z.object({ left: z.string().nullable(), right: z.string().nullable() }));
const ChangeOutput = z.lazy(() => z.object({ name: z.string(), left: Value, right: Value }));
const FileOutput = z.lazy(() =>
  z.object({
    path: z.string(),
    change: z.enum(['added', 'removed', 'modified']),
    leftSize: z.number().nullable(),
    rightSize: z.number().nullable(),
  }),
);

export default defineCommand({
  arguments: [
    { name: '<left>', description: 'a reference such as <model>@<version>' },
    { name: '<right>', description: 'another one' },
  ],
  description: 'Metrics, params, tags, data, code and files that differ; equal ones are left out.',
  examples: [
    {
      command: 'mlops diff fraud_detector@production fraud_detector@staging',
      explains: 'what a promotion would change',
    },
  ],
  input: z.object({ left: z.string(), right: z.string() }),
  output: z.lazy(() =>
    z.object({
      left: VersionSummary,
      right: VersionSummary,
      /** True when both have the same bytes. */
      identical: z.boolean(),
      /** `left`, `right` and `delta` are `null` for NaN and infinities; then `nonFinite` says which it is. */
      metrics: z.array(ChangeOutput.unwrap().extend({ delta: z.number().nullable(), nonFinite: NonFinite })),
      params: z.array(ChangeOutput),
      tags: z.array(ChangeOutput),
      data: z.array(ChangeOutput),
      code: z.array(ChangeOutput),
      /** `null` when the bytes of one of them are not in this clone. */
      files: z.array(FileOutput).nullable(),
    }),
  ),
  async run({ left, right }, context) {
    const diff = await diffVersions(await context.repository(), left, right);
    return {
      data: {
        left: summarise(diff.left),
        right: summarise(diff.right),
        identical: diff.identical,
        metrics: diff.metrics.map((change) => ({
          ...jsonChange(change),
          delta: finite(delta(change)),
          nonFinite: nonFinite(change),
        })),
        params: diff.params.map(jsonChange),
        tags: diff.tags.map(jsonChange),
        data: diff.data.map(jsonChange),
        code: diff.code.map(jsonChange),
        files:
          diff.files?.map(({ path, change, leftSize, rightSize }) => ({
            path,
            change,
            leftSize: leftSize ?? null,
            rightSize: rightSize ?? null,
          })) ?? null,
      },
      text: (view) => render(diff, view),
    };
  },
});

function jsonChange({ name, left, right }: Change): z.output<typeof ChangeOutput> {
  return { name, left: jsonValue(left), right: jsonValue(right) };
}

/** JSON has no NaN and no infinities. */
function jsonValue(value: string | number | undefined): string | number | null {
  if (value === undefined) return null;
  return typeof value === 'number' && !Number.isFinite(value) ? null : value;
}

function nonFinite({ left, right }: Change): z.output<typeof NonFinite> {
  const reason = (value: Change['left']): string | null =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : null;
  return { left: reason(left), right: reason(right) };
}

function delta({ left, right }: Change): number | undefined {
  return typeof left === 'number' && typeof right === 'number' ? right - left : undefined;
}

function finite(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}

function render(diff: VersionDiff, view: Terminal): string {
  const [left, right] = [diff.left.record, diff.right.record];
  const names = [`${left.model}@${left.version}`, `${right.model}@${right.version}`];
  const columns = [
    { header: '' },
    { header: names[0] ?? '' },
    { header: names[1] ?? '' },
    { header: 'CHANGE', align: 'right' as const },
  ];
  const rows = [
    ...diff.metrics.map((change) => [
      `metric ${change.name}`,
      cell(change.left),
      cell(change.right),
      deltaCell(change),
    ]),
    ...changeRows('param', diff.params),
    ...changeRows('tag', diff.tags),
    ...changeRows('data', diff.data),
    ...changeRows('code', diff.code),
    ...(diff.files ?? []).map(fileRow),
  ];
  const summary = diff.identical ? 'The bytes are identical\n' : summariseFiles(diff.files);
  return (rows.length === 0 ? '' : table({ columns, rows }, view)) + summary;
}

function changeRows(kind: string, changes: readonly Change[]): string[][] {
  return changes.map(({ name, left, right }) => [`${kind} ${name}`, cell(left), cell(right), '']);
}

function fileRow({ path, change, leftSize, rightSize }: FileChange): string[] {
  const size = (bytes: number | undefined): string => (bytes === undefined ? '-' : formatBytes(bytes));
  return [`file ${path === '' ? '(the file itself)' : path}`, size(leftSize), size(rightSize), change];
}

function cell(value: string | number | undefined): string {
  if (value === undefined) return '-';
  if (typeof value === 'number') return formatMetric(value);
  return value.startsWith('sha256:')
    ? value.slice(0, 19)
    : /^[0-9a-f]{40}$/.test(value)
      ? value.slice(0, 12)
      : value;
}

function deltaCell(change: Change): string {
  const difference = delta(change);
  if (difference === undefined) return '';
  return difference > 0 ? `+${formatMetric(difference)}` : formatMetric(difference);
}

function summariseFiles(files: readonly FileChange[] | undefined): string {
  if (files === undefined) return "The files can't be compared: not all bytes are in this clone\n";
  return `${count(files.length, 'file')} ${files.length === 1 ? 'differs' : 'differ'}\n`;
}
