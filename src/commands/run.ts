import { basename, resolve } from 'node:path';
import * as z from 'zod';
import { defineCommand } from '../cli/command.ts';
import type { Context } from '../cli/context.ts';
import { parsePairs } from '../core/registry/measurements.ts';
import { DEFAULT_EXPERIMENT, openRunStore, RunSummary, summariseRun } from '../core/runs/index.ts';
import { assertNoSecrets } from '../core/runs/redact.ts';
import { trackCommand, type Tracked } from '../core/runs/track-command.ts';
import { UsageError } from '../errors.ts';
import { formatMetric } from '../ui/numbers.ts';
import { formatDuration } from '../ui/time.ts';

const Pairs = z.array(z.string()).default([]);
const Paths = z.array(z.string().min(1)).default([]);

const DEFAULT_OUTPUT_MIB = 4;
const MIB = 1024 * 1024;

const Input = z.object({
  command: z.array(z.string()).min(1, 'name the command to run, after --'),
  experiment: z.string().min(1).optional(),
  name: z.string().min(1).optional(),
  param: Pairs,
  tag: Pairs,
  data: Pairs,
  metrics: Paths,
  dvclive: Paths,
  tensorboard: Paths,
  artifact: Paths,
  outputLimit: z.coerce
    .number('expected a number of MiB')
    .min(0, 'must be 0 or more')
    .max(1024, 'must be at most 1024')
    .default(DEFAULT_OUTPUT_MIB),
  capture: z.boolean().default(true),
  diff: z.boolean().default(true),
  endpoint: z.boolean().default(true),
  sample: z.coerce
    .number('expected a number of seconds')
    .min(0, 'must be 0 or more')
    .max(3600, 'must be at most 3600')
    .default(10),
});

export default defineCommand({
  arguments: [{ name: '<command...>', description: 'the program and its arguments, after --' }],
  options: [
    { flags: '--experiment <name>', description: 'experiment of the run; created if it is new' },
    { flags: '--name <name>', description: 'what to call the run (default: two words and a number)' },
    { flags: '--param <key=value...>', description: 'a parameter; repeatable' },
    { flags: '--tag <key=value...>', description: 'a tag; repeatable' },
    { flags: '--data <role=path...>', description: 'data it reads; its digest is recorded; repeatable' },
    {
      flags: '--metrics <file...>',
      description: 'a JSON file of metrics that the command writes; repeatable',
    },
    { flags: '--dvclive <dir...>', description: 'a folder that DVCLive writes; repeatable' },
    {
      flags: '--tensorboard <dir...>',
      description: 'a folder of TensorBoard event files that it writes; repeatable',
    },
    {
      flags: '--artifact <path...>',
      description: 'a file or directory to keep afterwards, or name=path; repeatable',
    },
    { flags: '--output-limit <MiB>', description: 'how much of stdout and of stderr is kept (default: 4)' },
    {
      flags: '--no-capture',
      description: 'keep no output; the command has the terminal to itself',
    },
    { flags: '--no-diff', description: 'do not keep the uncommitted changes' },
    { flags: '--no-endpoint', description: 'offer no MLflow endpoint to the command' },
    { flags: '--sample <seconds>', description: 'between samples of the machine; 0: none (default: 10)' },
  ],
  description:
    "Git commit, command, environment, output, duration and exit code are recorded. MLOPS_RUN_ID tells the command which run it is, so that `mlops log` works inside it; MLFLOW_TRACKING_URI, MLFLOW_TRACKING_TOKEN, MLFLOW_RUN_ID and MLFLOW_EXPERIMENT_NAME let MLflow code log into it as long as the command runs. Signals are passed on, and the command's exit code is returned; with --json its stdout goes to stderr.",
  examples: [
    {
      command: 'mlops run --experiment fraud --param depth=10 -- python train.py --depth 10',
      explains: 'track a training script',
    },
    {
      command: 'mlops run --metrics metrics.json --artifact model=build/model -- ./train.sh',
      explains: 'take its metrics from a file, and keep the model',
    },
  ],
  input: Input,
  output: z.lazy(() =>
    z.object({
      run: RunSummary,
      /** That of the command, as a shell has it: 128 and the number of a signal, 127 for an unknown program. */
      exitCode: z.number(),
    }),
  ),
  async run(input, context) {
    const repository = await context.repository();
    const { allowedSecrets } = repository.config.hooks;
    const [params, tags] = [parsePairs(input.param, 'param'), parsePairs(input.tag, 'tag')];
    assertNoSecrets('param', params, allowedSecrets);
    assertNoSecrets('tag', tags, allowedSecrets);
    const [program, ...words] = input.command;
    if (program === undefined) throw new UsageError('MISSING_ARGUMENT', 'name the command to run, after --');
    const absolute = (path: string): string => resolve(context.cwd, path);
    const store = await openRunStore(repository);
    const { json } = context;
    try {
      const experiment =
        input.experiment === undefined
          ? DEFAULT_EXPERIMENT
          : await store.experiments.ensure(input.experiment);
      const tracked = await trackCommand(repository, store, {
        command: [program, ...words],
        cwd: context.cwd,
        env: context.env,
        experimentId: experiment.id,
        name: input.name,
        params,
        tags,
        data: [...parsePairs(input.data, 'data')].map(([role, path]) => ({ role, path: absolute(path) })),
        metricsFiles: input.metrics.map(absolute),
        dvclive: input.dvclive.map(absolute),
        tensorboard: input.tensorboard.map(absolute),
        artifacts: input.artifact.map((text) => artifactOf(text, absolute)),
        outputLimit: input.capture ? Math.floor(input.outputLimit * MIB) : 0,
        sampleInterval: input.sample,
        keepDiff: input.diff,
        stdoutTo: json ? 'stderr' : 'stdout',
        execute: context.execute,
        openEndpoint: (run) => (input.endpoint ? context.trackingEndpoint(run) : Promise.resolve(undefined)),
        onStart: ({ id, name, experimentName }) =>
          note(context, `run ${name} (${id.slice(0, 12)}) of the experiment ${experimentName}`),
        warn: context.warn,
        signal: context.signal,
      });
      return {
        data: { run: summariseRun(tracked.run), exitCode: tracked.exitCode },
        // stdout is the command's.
        text: () => '',
        exitCode: tracked.exitCode,
        conversation: conversationOf(tracked, program),
      };
    } finally {
      await store.close();
    }
  },
});

function artifactOf(text: string, absolute: (path: string) => string): { name: string; path: string } {
  const at = text.indexOf('=');
  if (at > 0) return { name: text.slice(0, at), path: absolute(text.slice(at + 1)) };
  const path = absolute(text);
  return { name: basename(path), path };
}

function note(context: Context, text: string): void {
  if (!context.quiet && !context.json) context.io.err(`${text}\n`);
}

function conversationOf(
  { run, exitCode, problem }: Tracked,
  program: string,
): { errors: { message: string; hint: string | null }[]; note: string } {
  const duration = run.endedAt === undefined ? '' : ` after ${formatDuration(run.endedAt - run.startedAt)}`;
  const metrics = [...run.metrics].filter(([key]) => !key.startsWith('system/')).slice(0, 4);
  const values = metrics.map(([key, { value }]) => `${key} ${formatMetric(value)}`).join(', ');
  const ending = `run ${run.name} ${run.status}${duration}${exitCode === 0 ? '' : `, exit code ${exitCode}`}`;
  return {
    errors:
      problem === undefined ? [] : [{ message: `${program}: ${problem}`, hint: 'check its name and PATH' }],
    note: values === '' ? ending : `${ending}: ${values}`,
  };
}
