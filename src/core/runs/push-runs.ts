import { createHash } from 'node:crypto';
import type { TransferProgress } from '../../storage/artifact-transfer.ts';
import type { RunFiles, RunPlace } from '../../storage/run-files.ts';
import type { Repository } from '../repository/repository.ts';
import { pushArtifacts } from '../transfer/push.ts';
import { assertMayPush, type TrustOptions } from '../transfer/trust.ts';
import { ExperimentDocument, experimentToJson } from './experiment-document.ts';
import { isLoggedModelId } from './limits.ts';
import { readModel } from './model-document.ts';
import { encodePush, latestOf, listPushes, RUNS_PER_PUSH, type PushedRun } from './pushed-runs.ts';
import type { Run } from './run.ts';
import type { RunStore } from './run-store.ts';

export interface PushRunsRequest extends TransferProgress {
  /** Ids, the start of them, or names; empty for all that are not deleted. */
  named: readonly string[];
  /** Name of the remote; default the default one. */
  remote: string | undefined;
  dryRun: boolean;
  trust: TrustOptions;
  jobs?: number;
  signal?: AbortSignal;
  warn(message: string): void;
}

export interface PushedRunsReport {
  remote: { name: string; url: string };
  dryRun: boolean;
  /** Those that the remote did not have, or had otherwise. */
  pushed: { id: string; name: string }[];
  /** How many it had already. */
  unchanged: number;
  bytes: { total: number; transferred: number };
}

const OUTPUT_FILES = ['stdout', 'stderr'].flatMap((stream) =>
  ['', '.0', '.1'].map((part) => `${stream}${part}.log`),
);
/** What travels of a run. Its log says which process of which machine wrote it, and nothing that run.json does not. */
export const RUN_FILES: readonly string[] = ['run.json', 'metrics.jsonl', ...OUTPUT_FILES];
export const MODEL_FILES: readonly string[] = ['model.json', 'log.jsonl'];

/**
 * Sends runs to a remote: their artifacts, then their files as one artifact, then a list that says so. What the remote has of a run
 * already is not sent again.
 *
 * @throws as `RunStore.resolve`, `pushArtifacts`
 */
export async function pushRuns(
  repository: Repository,
  store: RunStore,
  request: PushRunsRequest,
): Promise<PushedRunsReport> {
  const { named, dryRun, trust, signal, onProgress, jobs } = request;
  const remote = await repository.remote(request.remote);
  if (!dryRun) await assertMayPush(repository, remote, trust);
  else if (trust.yes) remote.allow();
  const runs = await chooseRuns(store, named);
  const files = await repository.runFiles();
  const latest = latestOf(await listPushes(remote.objects));
  const report: PushedRunsReport = {
    remote: { name: remote.name, url: remote.url },
    dryRun,
    pushed: [],
    unchanged: 0,
    bytes: { total: 0, transferred: 0 },
  };
  const going: { pushed: PushedRun; place: RunPlace }[] = [];
  for (const each of await pushable(store, files, runs)) {
    if (latest.get(each.pushed.id)?.run.version === each.pushed.version) report.unchanged += 1;
    else going.push(each);
  }
  report.pushed = going.map(({ pushed: { id, name } }) => ({ id, name }));
  if (dryRun || going.length === 0) return report;
  const transfer = {
    remote: remote.name,
    // Asked above.
    trust: { yes: true, confirm: trust.confirm },
    ...(signal === undefined ? {} : { signal }),
    ...(jobs === undefined ? {} : { jobs }),
    ...(onProgress === undefined ? {} : { onProgress }),
  };
  const send = async (digests: readonly string[]): Promise<void> => {
    const { bytes, absent } = await pushArtifacts(repository, digests, {
      ...transfer,
      passOverAbsent: () => true,
      related: () => [],
    });
    report.bytes.total += bytes.total;
    report.bytes.transferred += bytes.transferred;
    if (absent.length > 0)
      request.warn(`${absent.length} artifacts of these runs are neither in this clone nor on the remote`);
  };
  await send([...new Set(going.flatMap(({ pushed }) => pushed.artifacts))]);
  for (let at = 0; at < going.length; at += RUNS_PER_PUSH) {
    const some = going.slice(at, at + RUNS_PER_PUSH);
    const digest = await storeFiles(repository, files, some);
    await send([digest]);
    const { key, bytes } = encodePush({
      pushedAt: repository.now().toISOString(),
      digest,
      runs: some.map(({ pushed }) => pushed),
      experiments: await experimentsOf(store, runs),
    });
    const batch = remote.objects.batch();
    await batch.put(key, bytes);
    await batch.commit();
  }
  return report;
}

async function chooseRuns(store: RunStore, named: readonly string[]): Promise<readonly Run[]> {
  if (named.length === 0) return (await store.search()).runs;
  const runs: Run[] = [];
  for (const each of named) runs.push(await store.resolve(each));
  return runs;
}

/** Runs with everything in their documents, and the models that they logged. */
async function pushable(
  store: RunStore,
  files: RunFiles,
  runs: readonly Run[],
): Promise<{ pushed: PushedRun; place: RunPlace }[]> {
  const found: { pushed: PushedRun; place: RunPlace }[] = [];
  const ids = new Set(runs.map(({ id }) => id));
  for (const { id, name, artifacts } of runs) {
    await store.snapshot(id);
    const place = files.find(id);
    if (place === undefined) continue;
    const version = versionOf(files, place, 'run.json');
    found.push({ place, pushed: { id, month: place.month, name, version, artifacts: digestsOf(artifacts) } });
  }
  for (const month of files.months()) {
    for (const id of files.names(month)) {
      if (!isLoggedModelId(id)) continue;
      const place = { month, name: id };
      const model = readModel(files, place);
      if (model?.runId === undefined || !ids.has(model.runId)) continue;
      const file = files.state(place, 'log.jsonl') === undefined ? 'model.json' : 'log.jsonl';
      const { name, artifacts } = model;
      const version = versionOf(files, place, file);
      found.push({ place, pushed: { id, month, name, version, artifacts: digestsOf(artifacts) } });
    }
  }
  return found;
}

function digestsOf(mounts: Run['artifacts']): string[] {
  return [...new Set(mounts.map(({ digest }) => digest))].toSorted();
}

export function versionOf(files: RunFiles, place: RunPlace, file: string): string {
  return `sha256:${createHash('sha256')
    .update(files.read(place, file) ?? new Uint8Array())
    .digest('hex')}`;
}

async function storeFiles(
  repository: Repository,
  files: RunFiles,
  going: readonly { pushed: PushedRun; place: RunPlace }[],
): Promise<string> {
  const staged = await files.stage(
    going.map(({ place }) => ({ place, files: isLoggedModelId(place.name) ? MODEL_FILES : RUN_FILES })),
  );
  try {
    return (await (await repository.artifacts()).store(staged.path, { isOwn: true })).digest;
  } finally {
    await staged.remove();
  }
}

async function experimentsOf(
  store: RunStore,
  runs: readonly Run[],
): Promise<ReturnType<(typeof ExperimentDocument)['parse']>[]> {
  const ids = [...new Set(runs.map(({ experimentId }) => experimentId))].toSorted();
  const experiments = await Promise.all(ids.map((id) => store.experiments.get(id)));
  return experiments.map((experiment) =>
    ExperimentDocument.parse(JSON.parse(JSON.stringify(experimentToJson(experiment)))),
  );
}
