import * as z from 'zod';
import { defineCommand, type View } from '../../cli/command.ts';
import { parseFields, type Field } from '../../core/query/index.ts';
import {
  experimentByName,
  isSystemMetric,
  openRunStore,
  RUN_QUERY,
  RunSummary,
  runValue,
  summariseRun,
  type Run,
  type RunPage,
} from '../../core/runs/index.ts';
import { csv } from '../../ui/csv.ts';
import { formatMetric } from '../../ui/numbers.ts';
import { table, type Column } from '../../ui/table.ts';
import { formatDuration, formatTime } from '../../ui/time.ts';

const SHOWN_METRICS = 4;
const SHOWN_PARAMS = 3;
const SHORT_ID = 8;

const Problem = z.lazy(() =>
  z.object({ path: z.string(), code: z.string(), message: z.string(), hint: z.string().nullable() }),
);

export default defineCommand({
  options: [
    { flags: '--experiment <name...>', description: 'only runs of this experiment; repeatable' },
    {
      flags: '--filter <expression>',
      description: 'such as "metrics.accuracy > 0.9 and params.depth = \'10\'"',
    },
    { flags: '--sort <key>', description: 'such as -metrics.accuracy or "params.depth, startedAt DESC"' },
    {
      flags: '--columns <names>',
      description: 'such as name,status,metrics.accuracy,params.depth,tags.team',
    },
    { flags: '--csv', description: 'print comma-separated values with a header' },
    { flags: '--limit <n>', description: 'at most so many runs; 0: all (default: 100, with --csv all)' },
    { flags: '--all', description: 'deleted runs too' },
    { flags: '--deleted', description: 'deleted runs only' },
  ],
  description:
    'The filter is that of MLflow; without a sort key the newest run comes first. Columns: id, name, experiment, status, user, startedAt, endedAt, duration (seconds), exitCode, branch, commit, command, metrics.<key>, params.<key>, tags.<key>.',
  examples: [
    { command: 'mlops runs list', explains: 'the newest runs' },
    {
      command:
        'mlops runs list --filter "metrics.accuracy > 0.9 and params.depth = \'10\'" --sort -metrics.accuracy',
      explains: 'the best ones of a kind',
    },
    {
      command: 'mlops runs list --experiment fraud --columns name,params.lr,metrics.loss --csv',
      explains: 'a table for a spreadsheet',
    },
  ],
  input: z
    .object({
      experiment: z.array(z.string()).optional(),
      filter: z.string().max(10_000).optional(),
      sort: z.string().max(1000).optional(),
      columns: z.string().max(10_000).optional(),
      csv: z.boolean().default(false),
      limit: z.coerce
        .number('expected a whole number')
        .int('expected a whole number')
        .min(0, 'must be 0 or more')
        .optional(),
      all: z.boolean().default(false),
      deleted: z.boolean().default(false),
    })
    .refine(({ all, deleted }) => !all || !deleted, 'give --all or --deleted, not both'),
  output: z.lazy(() =>
    z.object({
      runs: z.array(RunSummary),
      /** How many match, before the limit. */
      total: z.number(),
      problems: z.array(Problem),
    }),
  ),
  async run(input, context) {
    const columns = input.columns === undefined ? undefined : parseFields(input.columns, RUN_QUERY);
    const store = await openRunStore(await context.repository());
    let page: RunPage;
    try {
      const experiments = await Promise.all(
        (input.experiment ?? []).map((name) => experimentByName(store.experiments, name)),
      );
      const limit = input.limit ?? (input.csv ? 0 : 100);
      page = await store.search({
        experimentIds: input.experiment === undefined ? undefined : experiments.map(({ id }) => id),
        filter: input.filter,
        orderBy: input.sort === undefined ? undefined : [input.sort],
        view: input.all ? 'all' : input.deleted ? 'deleted' : 'active',
        maxResults: limit === 0 ? undefined : limit,
      });
    } finally {
      await store.close();
    }
    const { runs, total, problems } = page;
    for (const { message, hint } of problems)
      context.warn(hint === undefined ? message : `${message}; ${hint}`);
    return {
      data: {
        runs: runs.map(summariseRun),
        total,
        problems: problems.map(({ path, code, message, hint }) => ({
          path,
          code,
          message,
          hint: hint ?? null,
        })),
      },
      text: (view) => {
        if (input.csv) return csvOf(runs, columns ?? allColumns(runs));
        if (runs.length === 0)
          return total === 0 && input.filter === undefined ? 'No runs yet\n' : 'No runs match\n';
        return columns === undefined ? usualTable(runs, view) : chosenTable(runs, columns, view);
      },
      hints: hintsOf(page, input.filter),
    };
  },
});

function hintsOf({ runs, total, problems }: RunPage, filter: string | undefined): string[] {
  if (total === 0 && problems.length === 0 && filter === undefined)
    return ['start one: mlops run -- <command>'];
  return runs.length < total ? [`${runs.length} of ${total} shown; --limit 0 shows all`] : [];
}

function csvOf(runs: readonly Run[], columns: readonly Field[]): string {
  const rows = runs.map((run) =>
    columns.map((field) => {
      const value = runValue(run, field);
      return value === undefined ? '' : String(value);
    }),
  );
  return csv([columns.map(nameOf), ...rows]);
}

/** What there is of every run. */
function allColumns(runs: readonly Run[]): Field[] {
  const attributes = [
    'id',
    'name',
    'experiment',
    'status',
    'user',
    'startedAt',
    'endedAt',
    'duration',
    'exitCode',
  ];
  const keys = (of: (run: Run) => ReadonlyMap<string, unknown>): string[] =>
    [...new Set(runs.flatMap((run) => [...of(run).keys()]))].toSorted();
  return [
    ...attributes.map((key): Field => ({ entity: 'attributes', key })),
    ...keys(({ params }) => params).map((key): Field => ({ entity: 'params', key })),
    ...keys(({ metrics }) => metrics).map((key): Field => ({ entity: 'metrics', key })),
    ...keys(({ tags }) => tags).map((key): Field => ({ entity: 'tags', key })),
  ];
}

function nameOf({ entity, key }: Field): string {
  return entity === 'attributes' ? key : `${entity}.${key}`;
}

function chosenTable(runs: readonly Run[], columns: readonly Field[], view: View): string {
  return table(
    {
      columns: columns.map((field) => ({
        header: nameOf(field),
        align: field.entity === 'metrics' || field.key === 'duration' ? 'right' : 'left',
      })),
      rows: runs.map((run) => columns.map((field) => chosenCell(run, field, view))),
    },
    view,
  );
}

function chosenCell(run: Run, field: Field, view: View): string {
  const value = runValue(run, field);
  if (value === undefined) return '-';
  if (field.key === 'startedAt' || field.key === 'endedAt') return formatTime(String(value), view);
  return typeof value === 'number' ? formatMetric(value) : value;
}

/** On a terminal that is too narrow for all of it there are fewer params and metrics, rather than numbers that are cut. */
function usualTable(runs: readonly Run[], view: View): string {
  const metrics = commonKeys(
    runs,
    ({ metrics: map }) => [...map.keys()].filter((key) => !isSystemMetric(key)),
    SHOWN_METRICS,
  );
  const params = differingParams(runs);
  while (view.isTTY && metrics.length + params.length > 1) {
    const whole = tableOf(runs, { params, metrics }, { ...view, columns: Infinity, color: false });
    if (whole.split('\n').every((line) => line.length <= view.columns)) break;
    (metrics.length > params.length ? metrics : params).pop();
  }
  return tableOf(runs, { params, metrics }, view);
}

function tableOf(
  runs: readonly Run[],
  { params, metrics }: { params: readonly string[]; metrics: readonly string[] },
  view: View,
): string {
  const columns: Column[] = [
    { header: 'RUN', style: (paint, text) => paint.bold(text) },
    { header: 'NAME' },
    { header: 'EXPERIMENT' },
    {
      header: 'STATUS',
      style: (paint, text) => (/FAILED|KILLED/.test(text) ? paint.red(text) : paint.green(text)),
    },
    ...params.map((header) => ({ header })),
    ...metrics.map((header) => ({ header, align: 'right' as const })),
    { header: 'STARTED' },
    { header: 'TOOK', align: 'right' },
  ];
  const rows = runs.map((run) => [
    run.id.slice(0, SHORT_ID),
    run.name,
    run.experimentName,
    run.status + (run.lifecycle === 'deleted' ? ' (deleted)' : ''),
    ...params.map((key) => run.params.get(key) ?? '-'),
    ...metrics.map((key) => {
      const value = run.metrics.get(key)?.value;
      return value === undefined ? '-' : formatMetric(value);
    }),
    formatTime(new Date(run.startedAt).toISOString(), view),
    run.endedAt === undefined ? '-' : formatDuration(run.endedAt - run.startedAt),
  ]);
  return table({ columns, rows }, view);
}

/** Those that most runs have, by name; the rest is in `runs show` and `--columns`. */
function commonKeys(runs: readonly Run[], of: (run: Run) => readonly string[], most: number): string[] {
  const counts = new Map<string, number>();
  for (const run of runs) for (const key of of(run)) counts.set(key, (counts.get(key) ?? 0) + 1);
  const common = [...counts].toSorted((left, right) => right[1] - left[1]).slice(0, most);
  return common.map(([key]) => key).toSorted();
}

/** Params that tell these runs apart. */
function differingParams(runs: readonly Run[]): string[] {
  const differing = commonKeys(runs, ({ params }) => [...params.keys()], Infinity).filter(
    (key) => new Set(runs.map(({ params }) => params.get(key))).size > 1,
  );
  return differing.slice(0, SHOWN_PARAMS);
}
