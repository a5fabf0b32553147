import { InterruptedError, MlopsError } from '../../errors.ts';
import { portablePath } from '../registry/lineage.ts';
import type { Repository } from '../repository/repository.ts';
import { findSecrets } from '../repository/secrets.ts';
import { captureEnvironment } from './environment.ts';
import type { Execute, Executed } from './execute.ts';
import { readGpus } from './gpus.ts';
import { OutputCapture, type Stream } from './output-files.ts';
import { pickUp, type PickupRequest } from './pickup/index.ts';
import { childrenCpuSeconds } from './process-tree.ts';
import type { DatasetInput, Run, RunStatus } from './run.ts';
import type { RunStore, TrackingEndpoint } from './run-store.ts';
import { Sampler } from './sampler.ts';
import { captureSource } from './source.ts';

export interface TrackRequest extends PickupRequest {
  command: readonly [program: string, ...words: string[]];
  /** Absolute. */
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
  experimentId: string;
  name?: string | undefined;
  params: ReadonlyMap<string, string>;
  tags: ReadonlyMap<string, string>;
  /** Files and directories that it reads, with their roles. */
  data: readonly { role: string; path: string }[];
  /** Bytes kept of each stream; 0: none, and the command has the streams to itself. */
  outputLimit: number;
  /** Seconds between samples of the machine; 0: none. */
  sampleInterval: number;
  /** Keep what is not committed as an artifact. */
  keepDiff: boolean;
  stdoutTo: 'stdout' | 'stderr';
  execute: Execute;
  openEndpoint(run: Run): Promise<TrackingEndpoint | undefined>;
  onStart(run: Run): void;
  warn(message: string): void;
  signal: AbortSignal;
}

export interface Tracked {
  run: Run;
  /** That of the command, as a shell has it. */
  exitCode: number;
  /** Why it was not started. */
  problem: string | undefined;
}

/** More changes than this are better committed. */
const MOST_DIFF_BYTES = 10 * 1024 * 1024;
export const PATCH_PATH = 'source/changes.patch';

/**
 * Runs a command as a run: everything that is known before it starts is in the run before it starts, and its end is in it whatever
 * happens to it. What goes wrong in looking on is a warning; the command does not notice.
 *
 * @throws as `RunStore.create`; what happens after that is in the run
 */
export async function trackCommand(
  repository: Repository,
  store: RunStore,
  request: TrackRequest,
): Promise<Tracked> {
  const run = await startRun(repository, store, request);
  request.onStart(run);
  let endpoint: TrackingEndpoint | undefined;
  let executed: Executed | undefined;
  try {
    await quietly(request, 'the uncommitted changes were not kept', () =>
      keepDiff(repository, store, run, request),
    );
    endpoint = await request.openEndpoint(run);
    if (request.signal.aborted) throw new InterruptedError();
    executed = await executeIn(repository, store, { run, request, endpoint });
    await quietly(request, 'what the command wrote was not picked up', () => pickUp(store, run, request));
    return {
      run: await finish(store, run, executed),
      exitCode: executed.exitCode,
      problem: executed.problem,
    };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const status = error instanceof InterruptedError ? 'KILLED' : 'FAILED';
    await store.update(run.id, { status, reason: reason.slice(0, 1000) }).catch(() => undefined);
    throw error;
  } finally {
    await endpoint?.close();
    executed?.release();
  }
}

async function startRun(repository: Repository, store: RunStore, request: TrackRequest): Promise<Run> {
  const { command, cwd, env, params, experimentId, name, sampleInterval } = request;
  const gpus = sampleInterval > 0 ? await readGpus(env) : [];
  const [source, environment, inputs] = await Promise.all([
    captureSource(repository, { command, cwd }),
    captureEnvironment(repository, { cwd, env, gpus: gpus.map((gpu) => gpu.name) }),
    inputsOf(repository, request.data),
  ]);
  const parent = env['MLOPS_RUN_ID'];
  const tags = new Map(request.tags);
  // MLflow's tag for a run inside of another one.
  if (parent !== undefined && /^[0-9a-f]{32}$/.test(parent) && !tags.has('mlflow.parentRunId'))
    tags.set('mlflow.parentRunId', parent);
  const run = await store.create({
    writer: 'process',
    durable: true,
    experimentId,
    name,
    params,
    tags,
    source,
    environment,
  });
  if (inputs.length > 0) await store.logInputs(run.id, { datasets: inputs });
  return inputs.length > 0 ? store.get(run.id) : run;
}

async function inputsOf(repository: Repository, data: TrackRequest['data']): Promise<DatasetInput[]> {
  const artifacts = await repository.artifacts();
  const inputs: DatasetInput[] = [];
  for (const { role, path } of data) {
    const { digest } = await artifacts.digest(path);
    const place = portablePath(repository.root, path);
    const tags = new Map([['mlflow.data.context', role]]);
    inputs.push({ name: place, digest, sourceType: 'local', source: place, tags });
  }
  return inputs;
}

async function keepDiff(
  repository: Repository,
  store: RunStore,
  run: Run,
  request: TrackRequest,
): Promise<void> {
  const digest = run.source?.git?.diff;
  if (!request.keepDiff || digest === undefined) return;
  const git = await repository.git();
  const bytes = await git.uncommitted(MOST_DIFF_BYTES);
  if (bytes === undefined) {
    request.warn(
      `the uncommitted changes have more than ${MOST_DIFF_BYTES} bytes and were not kept; commit them`,
    );
    return;
  }
  const { allowedSecrets } = repository.config.hooks;
  const [secret] = findSecrets(Buffer.from(bytes).toString('utf8')).filter(
    ({ fingerprint }) => !allowedSecrets.includes(fingerprint),
  );
  if (secret !== undefined) {
    request.warn(`the uncommitted changes were not kept, as they hold what looks like ${secret.kind}`);
    return;
  }
  await store.artifacts(run.id).put(PATCH_PATH, piece(bytes));
}

async function* piece(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}

interface Execution {
  run: Run;
  request: TrackRequest;
  endpoint: TrackingEndpoint | undefined;
}

async function executeIn(
  repository: Repository,
  store: RunStore,
  { run, request, endpoint }: Execution,
): Promise<Executed> {
  const { command, cwd, outputLimit, stdoutTo, execute } = request;
  const files = await repository.runFiles();
  const place = files.find(run.id);
  const captures = new Map<Stream, OutputCapture>();
  for (const stream of ['stdout', 'stderr'] as const)
    if (place !== undefined && outputLimit > 0)
      captures.set(stream, new OutputCapture(files, place, { stream, limit: outputLimit }));
  const cpuBefore = childrenCpuSeconds();
  let sampler: Sampler | undefined;
  let isCapturing = true;
  const executed = await execute({
    command,
    cwd,
    env: environmentOf(repository, { run, request, endpoint }),
    capture: outputLimit > 0,
    stdoutTo,
    onStart: (pid) => {
      sampler = startSampler(store, run, request, pid);
    },
    onOutput: (stream, bytes) => {
      if (!isCapturing) return;
      try {
        captures.get(stream)?.write(bytes);
      } catch (error) {
        // A full disk must not end a training of days.
        isCapturing = false;
        request.warn(
          `the output is no longer captured: ${error instanceof Error ? error.message : String(error)}`,
        );
      }
    },
  });
  await sampler?.stop();
  const cpuAfter = childrenCpuSeconds();
  const output = new Map([...captures].map(([stream, { written }]) => [stream as string, written]));
  const cpuSeconds = cpuBefore === undefined || cpuAfter === undefined ? undefined : cpuAfter - cpuBefore;
  const usage = { cpuSeconds, maxMemoryBytes: sampler?.maxMemory, output };
  await quietly(request, 'what the command used was not logged', () => store.update(run.id, { usage }));
  return executed;
}

function startSampler(store: RunStore, run: Run, request: TrackRequest, pid: number): Sampler | undefined {
  const { sampleInterval, env } = request;
  if (sampleInterval <= 0) return undefined;
  return new Sampler({
    pid,
    env,
    gpus: (run.environment?.gpus ?? []).length > 0,
    interval: sampleInterval,
    now: Date.now,
    log: (metrics) => store.log(run.id, { metrics }),
  });
}

function environmentOf(repository: Repository, { run, request, endpoint }: Execution): TrackRequest['env'] {
  return {
    // A pipe makes Python keep lines back, and a person waits for them. Whoever sets it knows better.
    ...(request.outputLimit > 0 ? { PYTHONUNBUFFERED: '1' } : {}),
    ...request.env,
    ...endpoint?.variables,
    MLOPS_RUN_ID: run.id,
    MLOPS_REPOSITORY: repository.root,
  };
}

async function finish(store: RunStore, run: Run, executed: Executed): Promise<Run> {
  const { exitCode, signal, problem, interrupted } = executed;
  const { status: said } = await store.get(run.id);
  const isKilled = signal !== undefined || (interrupted && exitCode !== 0);
  let status: RunStatus = exitCode === 0 ? 'FINISHED' : isKilled ? 'KILLED' : 'FAILED';
  // A script may know better than its exit code that it failed, and have said so itself.
  if (exitCode === 0 && (said === 'FAILED' || said === 'KILLED')) status = said;
  const reason = problem ?? (signal === undefined ? undefined : `ended by ${signal}`);
  return store.update(run.id, { status, exitCode, reason });
}

async function quietly(
  { warn }: Pick<TrackRequest, 'warn'>,
  what: string,
  work: () => Promise<unknown>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof MlopsError)) throw error;
    warn(`${what}: ${error.message}`);
  }
}
