import * as z from 'zod';
import { defineCommand, type View } from '../../cli/command.ts';
import {
  isSystemMetric,
  openRunStore,
  RunSummary,
  summariseRun,
  type Run,
  type RunStore,
} from '../../core/runs/index.ts';
import { IntegrityError } from '../../errors.ts';
import { formatBytes } from '../../ui/bytes.ts';
import { keyValues } from '../../ui/key-values.ts';
import { formatMetric } from '../../ui/numbers.ts';
import { table } from '../../ui/table.ts';
import { formatDuration, formatTime } from '../../ui/time.ts';

const MaybeNumber = z.number().nullable();
const MOST_FILES = 50;

const Output = z.lazy(() =>
  z.object({
    run: RunSummary,
    /** Of each metric: how many values, the lowest and the highest with their steps, and the step of the latest. `null`: no finite number. */
    history: z.record(
      z.string(),
      z.object({
        count: z.number(),
        step: z.number(),
        min: MaybeNumber,
        minStep: MaybeNumber,
        max: MaybeNumber,
        maxStep: MaybeNumber,
      }),
    ),
    inputs: z.array(
      z.object({ name: z.string(), digest: z.string(), source: z.string(), role: z.string().nullable() }),
    ),
    artifacts: z.array(z.object({ path: z.string(), size: z.number() })),
    source: z.object({
      command: z.array(z.string()).nullable(),
      directory: z.string().nullable(),
      diff: z.string().nullable(),
      remote: z.string().nullable(),
    }),
    environment: z.record(z.string(), z.unknown()),
    usage: z.object({ cpuSeconds: MaybeNumber, maxMemoryBytes: MaybeNumber }),
    /** Bytes that it printed, as far as that was captured. */
    output: z.object({ stdout: MaybeNumber, stderr: MaybeNumber }),
  }),
);

export default defineCommand({
  arguments: [{ name: '<run>', description: 'id, the start of it, or name' }],
  examples: [{ command: 'mlops runs show brisk-heron-217', explains: 'everything known of a run' }],
  input: z.object({ run: z.string().min(1) }),
  output: Output,
  async run({ run: named }, context) {
    const store = await openRunStore(await context.repository());
    let run: Run;
    let files: readonly ListedArtifact[];
    try {
      run = await store.resolve(named);
      files = await listArtifacts(store, run);
    } finally {
      await store.close();
    }
    return {
      data: dataOf(run, files),
      text: (view) => describeRun(run, files, view),
    };
  },
});

interface ListedArtifact {
  path: string;
  size: number;
  /** False for a directory whose list of files is not in this clone. */
  isListed: boolean;
}

/** Of a run that came with Git only, what it says itself of its artifacts. */
async function listArtifacts(store: RunStore, run: Run): Promise<ListedArtifact[]> {
  try {
    const files = await store.artifacts(run.id).files();
    return files.map(({ path, size }) => ({ path, size: size ?? 0, isListed: true }));
  } catch (error) {
    if (!(error instanceof IntegrityError)) throw error;
    return run.artifacts.map(({ path, size, kind }) => ({
      path: path === '' ? '.' : path,
      size,
      isListed: kind === 'file',
    }));
  }
}

function dataOf(run: Run, files: readonly ListedArtifact[]): z.input<typeof Output> {
  const { usage } = run;
  return {
    run: summariseRun(run),
    history: Object.fromEntries(
      [...run.metrics].map(([key, { count, step, min, minStep, max, maxStep }]) => [
        key,
        {
          count,
          step,
          min: finite(min),
          minStep: finite(minStep),
          max: finite(max),
          maxStep: finite(maxStep),
        },
      ]),
    ),
    inputs: run.inputs.map(({ name, digest, source, tags }) => ({
      name,
      digest,
      source,
      role: tags.get('mlflow.data.context') ?? null,
    })),
    artifacts: files.map(({ path, size }) => ({ path, size })),
    source: sourceData(run),
    environment: environmentData(run),
    usage: { cpuSeconds: usage?.cpuSeconds ?? null, maxMemoryBytes: usage?.maxMemoryBytes ?? null },
    output: { stdout: usage?.output?.get('stdout') ?? null, stderr: usage?.output?.get('stderr') ?? null },
  };
}

function sourceData({ source }: Run): z.input<typeof Output>['source'] {
  return {
    command: source?.command === undefined ? null : [...source.command],
    directory: source?.directory ?? null,
    diff: source?.git?.diff ?? null,
    remote: source?.git?.remote ?? null,
  };
}

function environmentData({ environment }: Run): Record<string, unknown> {
  const { variables, ...facts } = environment ?? {};
  return { ...facts, variables: Object.fromEntries(variables ?? []) };
}

function finite(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}

function describeRun(run: Run, files: readonly ListedArtifact[], view: View): string {
  const started = formatTime(new Date(run.startedAt).toISOString(), view);
  const took = run.endedAt === undefined ? '' : `, took ${formatDuration(run.endedAt - run.startedAt)}`;
  const exit = run.exitCode === undefined || run.exitCode === 0 ? '' : `, exit code ${run.exitCode}`;
  const { source, usage, environment } = run;
  const git = source?.git;
  const tags = [...run.tags]
    .filter(([key]) => !key.startsWith('mlflow.'))
    .map(([key, value]) => `${key}=${value}`);
  const parts = [
    keyValues(
      [
        ['run', `${run.name}  ${run.id}`],
        ['experiment', run.experimentName],
        ['status', `${run.status}${exit}${run.lifecycle === 'deleted' ? ' (deleted)' : ''}`],
        ['reason', run.reason],
        ['started', `${started} by ${run.createdBy.replace(/ <.*>$/, '')}${took}`],
        ['command', source?.command?.join(' ')],
        ['directory', source?.directory === '' ? undefined : source?.directory],
        [
          'commit',
          git === undefined
            ? undefined
            : `${git.commit ?? 'none yet'}${git.dirty ? ' with changes' : ''}${git.branch === undefined ? '' : ` (${git.branch})`}`,
        ],
        ['machine', machineOf(run)],
        ['packages', environment?.files?.map(({ path, digest }) => `${path} ${digest.slice(0, 19)}`)],
        ['used', usedOf(usage)],
        [
          'data',
          run.inputs.map(
            ({ name, digest, tags: own }) =>
              `${own.get('mlflow.data.context') ?? 'data'}: ${name} ${digest.slice(0, 19)}`,
          ),
        ],
        ['params', [...run.params].map(([key, value]) => `${key}=${value}`)],
        ['tags', tags],
        ['versions', run.versions.map(({ model, version }) => `${model}@${version}`)],
      ],
      view,
    ),
    metricTable(run, view),
    artifactLines(files),
  ];
  return parts.filter((part) => part !== '').join('\n');
}

function machineOf({ environment }: Run): string | undefined {
  if (environment === undefined) return undefined;
  const { cpu, cpus, memory, gpus = [], platform, arch } = environment;
  const parts = [
    [platform, arch].filter(Boolean).join(' '),
    cpus === undefined ? undefined : `${cpus} × ${cpu ?? 'processor'}`,
    memory === undefined ? undefined : formatBytes(memory),
    ...gpus,
  ];
  return parts.filter((part) => part !== undefined && part !== '').join(', ');
}

function usedOf(usage: Run['usage']): string | undefined {
  const parts = [
    usage?.cpuSeconds === undefined ? undefined : `${usage.cpuSeconds.toFixed(1)} s of processor time`,
    usage?.maxMemoryBytes === undefined ? undefined : `up to ${formatBytes(usage.maxMemoryBytes)} of memory`,
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? undefined : parts.join(', ');
}

function metricTable(run: Run, view: View): string {
  const rows = [...run.metrics]
    .filter(([key]) => !isSystemMetric(key))
    .map(([key, { value, step, count, min, minStep, max, maxStep }]) => [
      key,
      formatMetric(value),
      String(step),
      String(count),
      min === undefined ? '-' : `${formatMetric(min)} (${minStep})`,
      max === undefined ? '-' : `${formatMetric(max)} (${maxStep})`,
    ]);
  const columns = ['METRIC', 'LATEST', 'STEP', 'VALUES', 'LOWEST (STEP)', 'HIGHEST (STEP)'].map(
    (header, index) => ({ header, align: index === 0 ? ('left' as const) : ('right' as const) }),
  );
  return table({ columns, rows }, view);
}

function artifactLines(files: readonly ListedArtifact[]): string {
  if (files.length === 0) return '';
  const shown = files.slice(0, MOST_FILES);
  const more = files.length > shown.length ? `  and ${files.length - shown.length} more\n` : '';
  const rows = shown.map(({ path, size, isListed }) => [
    isListed ? path : `${path}/ (its files are not in this clone)`,
    formatBytes(size),
  ]);
  const columns = [{ header: 'ARTIFACT' }, { header: 'SIZE', align: 'right' as const }];
  return table({ columns, rows }, { isTTY: false, color: false, columns: Infinity }) + more;
}
