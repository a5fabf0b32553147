import * as z from 'zod';
import { defineCommand } from '../cli/command.ts';
import type { Context } from '../cli/context.ts';
import { ExitCode } from '../errors.ts';
import { listVersions, overview, ModelOverview, type RegistryProblem } from '../core/registry/list.ts';
import { VersionSummary } from '../core/registry/version-summary.ts';
import { formatBytes } from '../ui/bytes.ts';
import { formatMetric } from '../ui/numbers.ts';
import { table } from '../ui/table.ts';
import type { Terminal } from '../ui/terminal.ts';
import { formatTime } from '../ui/time.ts';

const Problem = z.lazy(() =>
  z.object({
    path: z.string(),
    code: z.string(),
    message: z.string(),
    hint: z.string().nullable(),
  }),
);

export default defineCommand({
  arguments: [{ name: '[model]', description: 'list the versions of this model, newest first' }],
  options: [
    { flags: '--stage <stage>', description: 'only what this stage holds' },
    { flags: '--filter <expression>', description: 'such as "metrics.auc > 0.9 and params.depth = \'10\'"' },
    { flags: '--sort <key>', description: 'such as metrics.auc, -created or "metrics.f1 DESC, created"' },
    { flags: '--limit <n>', description: 'at most so many rows' },
    { flags: '--all', description: 'deleted versions too' },
  ],
  description: 'Without a model: one row a model. With one: its versions.',
  examples: [
    { command: 'mlops list', explains: 'the models, and what each stage holds' },
    {
      command:
        'mlops list fraud_detector --filter "metrics.accuracy > 0.9" --sort -metrics.accuracy --limit 5',
      explains: 'the five best versions above a bound',
    },
  ],
  input: z.object({
    model: z.string().optional(),
    stage: z.string().optional(),
    filter: z.string().max(10_000).optional(),
    sort: z.string().max(1000).optional(),
    limit: z.coerce
      .number('expected a whole number')
      .int('expected a whole number')
      .min(1, 'must be at least 1')
      .optional(),
    all: z.boolean().default(false),
  }),
  output: z.lazy(() =>
    z.union([
      z.object({ models: z.array(ModelOverview), problems: z.array(Problem) }),
      z.object({ versions: z.array(VersionSummary), total: z.number(), problems: z.array(Problem) }),
    ]),
  ),
  async run({ model, ...request }, context) {
    const repository = await context.repository();
    if (model === undefined) {
      const { models, total, problems } = await overview(repository, request);
      report(problems, context);
      return {
        data: { models, problems: problems.map(describe) },
        text: (view) =>
          models.length > 0 ? modelTable(models, view) : total > 0 ? 'No models match\n' : 'No models yet\n',
        exitCode: exitCodeOf(problems),
        hints: total === 0 && problems.length === 0 ? ['save one: mlops save <model> <path>'] : [],
      };
    }
    const { versions, total, problems } = await listVersions(repository, { model, ...request });
    report(problems, context);
    return {
      data: { versions, total, problems: problems.map(describe) },
      text: (view) => (versions.length === 0 ? 'No versions match\n' : versionTable(versions, view)),
      exitCode: exitCodeOf(problems),
      hints:
        versions.length < total && versions.length > 0
          ? [`${versions.length} of ${total} shown; raise --limit for more`]
          : [],
    };
  },
});

/** What can't be read is said once each on stderr; the rest of the list is still good. */
function report(problems: readonly RegistryProblem[], context: Context): void {
  for (const { error } of problems)
    context.warn(error.hint === undefined ? error.message : `${error.message}; ${error.hint}`);
}

function describe({ path, error }: RegistryProblem): z.output<typeof Problem> {
  return { path, code: error.code, message: error.message, hint: error.hint ?? null };
}

function exitCodeOf(problems: readonly RegistryProblem[]): ExitCode {
  return problems[0]?.error.exitCode ?? ExitCode.ok;
}

function modelTable(models: readonly ModelOverview[], view: Terminal): string {
  const stages = [...new Set(models.flatMap((model) => Object.keys(model.stages)))].toSorted();
  return table(
    {
      columns: [
        { header: 'MODEL', style: (paint, text) => paint.bold(text) },
        { header: 'VERSIONS', align: 'right' },
        { header: 'LATEST' },
        ...stages.map((stage) => ({ header: stage })),
        { header: 'UPDATED' },
      ],
      rows: models.map((model) => [
        model.model,
        String(model.versions),
        model.latest ?? '-',
        ...stages.map((stage) => model.stages[stage] ?? '-'),
        model.updatedAt === null ? '-' : formatTime(model.updatedAt, view),
      ]),
    },
    view,
  );
}

const SHOWN_METRICS = 4;

function versionTable(versions: readonly VersionSummary[], view: Terminal): string {
  const metrics = commonMetrics(versions);
  return table(
    {
      columns: [
        { header: 'VERSION', style: (paint, text) => paint.bold(text) },
        { header: 'STAGES', style: (paint, text) => paint.green(text) },
        ...metrics.map((name) => ({ header: name, align: 'right' as const })),
        { header: 'SIZE', align: 'right' },
        { header: 'DIGEST' },
        { header: 'CREATED' },
        { header: 'BY' },
      ],
      rows: versions.map((version) => [
        version.version + mark(version),
        version.stages.join(', '),
        ...metrics.map((name) => metricCell(version, name)),
        formatBytes(version.size),
        version.digest.slice('sha256:'.length, 'sha256:'.length + 12),
        formatTime(version.createdAt, view),
        version.createdBy.replace(/ <.*>$/, ''),
      ]),
    },
    view,
  );
}

function mark(version: VersionSummary): string {
  if (version.deleted) return ' (deleted)';
  return version.deprecated ? ' (deprecated)' : '';
}

function metricCell({ metrics, nonFinite }: VersionSummary, name: string): string {
  const value = metrics[name];
  if (value === undefined) return '-';
  return value === null ? formatMetric(Number(nonFinite[name])) : formatMetric(value);
}

/** The metrics that most of the shown versions have, by name; the rest is in `show` and `--json`. */
function commonMetrics(versions: readonly VersionSummary[]): string[] {
  const counts = new Map<string, number>();
  for (const { metrics } of versions)
    for (const name of Object.keys(metrics)) counts.set(name, (counts.get(name) ?? 0) + 1);
  const common = [...counts].toSorted((left, right) => right[1] - left[1]).slice(0, SHOWN_METRICS);
  return common.map(([name]) => name).toSorted();
}
