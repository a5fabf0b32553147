import { IntegrityError, MlopsError, UsageError } from '../../errors.ts';
import type { TransferProgress } from '../../storage/artifact-transfer.ts';
import type { Manifest } from '../../storage/manifest.ts';
import type { RunFiles, RunPlace } from '../../storage/run-files.ts';
import { assertWritable } from '../repository/format.ts';
import type { Repository } from '../repository/repository.ts';
import { fetchArtifacts } from '../transfer/fetch.ts';
import { isLoggedModelId, shown } from './limits.ts';
import { Shapes } from './metric-table.ts';
import { MODEL_FILES, RUN_FILES, versionOf } from './push-runs.ts';
import { latestOf, listPushes, type FoundPush, type LatestPush, type PushedRun } from './pushed-runs.ts';
import { decodeRun } from './run-document.ts';
import { RunEntry } from './run-entry.ts';
import type { RunStore } from './run-store.ts';

export interface PullRunsRequest extends TransferProgress {
  /** Ids, the start of them, or names, as the remote has them; empty for all. */
  named: readonly string[];
  remote: string | undefined;
  dryRun: boolean;
  jobs?: number;
  signal?: AbortSignal;
}

export interface PulledRunsReport {
  remote: { name: string; url: string };
  dryRun: boolean;
  /** Those that were not here, or were older. */
  pulled: { id: string; name: string }[];
  unchanged: number;
  /** Runs that were changed here, so that the remote's state was not taken. */
  kept: { id: string; name: string }[];
}

/** A file larger than this is not read into memory at once. */
const MOST_BYTES = 512 * 1024 * 1024;

/**
 * Brings runs here that others pushed, without their artifacts, which come when they are asked for. A run that was changed here since
 * it was last pushed or pulled stays as it is.
 *
 * @throws UsageError `RUN_NOT_FOUND`; as `fetchArtifacts`; IntegrityError for what is no run, with those before it in place
 */
export async function pullRuns(
  repository: Repository,
  store: RunStore,
  request: PullRunsRequest,
): Promise<PulledRunsReport> {
  const { dryRun, signal, jobs, onProgress } = request;
  if (!dryRun) assertWritable(repository.unknownFeatures);
  const remote = await repository.remote(request.remote);
  const files = await repository.runFiles();
  const pushes = await listPushes(remote.objects);
  const chosen = chooseRuns(latestOf(pushes), request.named);
  const report: PulledRunsReport = {
    remote: { name: remote.name, url: remote.url },
    dryRun,
    pulled: [],
    unchanged: 0,
    kept: [],
  };
  const coming = new Map<FoundPush, PushedRun[]>();
  for (const { run, push } of chosen) {
    const state = stateHere(files, run, pushes);
    const label = { id: run.id, name: run.name };
    if (state === 'same') report.unchanged += 1;
    else if (state === 'changed') report.kept.push(label);
    else {
      report.pulled.push(label);
      coming.set(push, [...(coming.get(push) ?? []), run]);
    }
  }
  if (dryRun) return report;
  const options = {
    remote: remote.name,
    ...(signal === undefined ? {} : { signal }),
    ...(jobs === undefined ? {} : { jobs }),
    ...(onProgress === undefined ? {} : { onProgress }),
  };
  for (const [{ document }, runs] of coming) {
    const wanted = new Set(runs.map(({ month, id }) => `${month}/${id}/`));
    const include = (path: string): boolean => wanted.has(path.slice(0, path.lastIndexOf('/') + 1));
    await fetchArtifacts(repository, [document.digest], { ...options, include });
    await adoptExperiments(store, document.experiments);
    const manifest = await (await repository.artifacts()).manifest(document.digest);
    for (const run of runs) await install(repository, files, run, manifest);
  }
  return report;
}

function chooseRuns(latest: ReadonlyMap<string, LatestPush>, named: readonly string[]): LatestPush[] {
  if (named.length === 0) return [...latest.values()];
  const chosen = new Map<string, LatestPush>();
  for (const text of named) {
    const prefix = text.replace(/^run:/, '');
    const found = [...latest.values()].filter(
      ({ run }) =>
        !isLoggedModelId(run.id) &&
        (run.name === prefix || (prefix.length >= 4 && run.id.startsWith(prefix))),
    );
    const [only, another] = found;
    if (only === undefined || another !== undefined) {
      throw new UsageError(
        only === undefined ? 'RUN_NOT_FOUND' : 'RUN_AMBIGUOUS',
        only === undefined
          ? `the remote has no run "${shown(prefix)}"`
          : `"${shown(prefix)}" could be ${found.length} runs of the remote`,
        { hint: 'see them all: mlops pull --runs --dry-run --json' },
      );
    }
    chosen.set(only.run.id, only);
  }
  return [...chosen.values()];
}

/** `stale`: it is here as some earlier push had it, with nothing logged since. */
function stateHere(
  files: RunFiles,
  { id, version, month }: PushedRun,
  pushes: readonly FoundPush[],
): 'absent' | 'same' | 'stale' | 'changed' {
  const place = files.find(id);
  if (place === undefined) return 'absent';
  if (isLoggedModelId(id)) {
    const file = files.state(place, 'log.jsonl') === undefined ? 'model.json' : 'log.jsonl';
    return versionOf(files, place, file) === version ? 'same' : known(files, place, file, pushes);
  }
  if (place.month !== month) return 'changed';
  const parts = { files, shapes: new Shapes(), now: Date.now, canWrite: false };
  const entry = RunEntry.read(place, parts);
  const folded = entry?.origin;
  if (entry?.refresh({ metrics: true }) !== true) return 'absent';
  const isFolded =
    folded !== undefined &&
    entry.state.log.bytes === folded.log.bytes &&
    entry.origin.metrics.bytes === folded.metrics.bytes;
  if (!isFolded) return 'changed';
  return versionOf(files, place, 'run.json') === version ? 'same' : known(files, place, 'run.json', pushes);
}

function known(
  files: RunFiles,
  place: RunPlace,
  file: string,
  pushes: readonly FoundPush[],
): 'stale' | 'changed' {
  const version = versionOf(files, place, file);
  const isKnown = pushes.some(({ document }) =>
    document.runs.some((run) => run.id === place.name && run.version === version),
  );
  return isKnown ? 'stale' : 'changed';
}

async function adoptExperiments(
  store: RunStore,
  documents: FoundPush['document']['experiments'],
): Promise<void> {
  for (const { id, name, lifecycle, createdAt, updatedAt, tags, artifactLocation } of documents) {
    await store.experiments.adopt({
      id,
      name,
      lifecycle,
      createdAt: Date.parse(createdAt),
      updatedAt: Date.parse(updatedAt),
      tags: new Map(tags.map(({ key, value }) => [key, value])),
      artifactLocation,
    });
  }
}

/** Writes the files of one run, once its document is proved to be that of the run. */
async function install(
  repository: Repository,
  files: RunFiles,
  { id, month }: PushedRun,
  manifest: Manifest,
): Promise<void> {
  const place: RunPlace = { month, name: id };
  const names = isLoggedModelId(id) ? MODEL_FILES : RUN_FILES;
  const artifacts = await repository.artifacts();
  const found = new Map<string, Uint8Array>();
  for (const name of names) {
    const file = manifest.files.find(({ path }) => path === `${month}/${id}/${name}`);
    if (file === undefined) continue;
    if (file.size > MOST_BYTES) throw damaged(id, `${name} has ${file.size} bytes`);
    const pieces: Uint8Array[] = [];
    for await (const piece of artifacts.readFile(file)) pieces.push(piece);
    found.set(name, Buffer.concat(pieces));
  }
  assertRun(id, found);
  if (await files.create(place, found, { durable: false })) return;
  // The history first: a document may say less than there is, not more.
  for (const name of [...names].toReversed()) {
    const bytes = found.get(name);
    if (bytes !== undefined) await files.replace(place, name, bytes, { durable: true });
  }
}

function assertRun(id: string, found: ReadonlyMap<string, Uint8Array>): void {
  if (isLoggedModelId(id)) {
    if (!found.has('model.json')) throw damaged(id, 'model.json is missing');
    return;
  }
  const bytes = found.get('run.json');
  if (bytes === undefined) throw damaged(id, 'run.json is missing');
  try {
    const path = `run.json of ${id} on the remote`;
    const { state, metricsBytes } = decodeRun(bytes, { path, canonical: true, shapes: new Shapes() });
    if (state.id !== id) throw damaged(id, `its document is that of ${state.id}`);
    if ((found.get('metrics.jsonl')?.length ?? 0) < metricsBytes)
      throw damaged(id, 'its history is incomplete');
  } catch (error) {
    if (error instanceof MlopsError) throw damaged(id, error.message);
    throw error;
  }
}

function damaged(id: string, problem: string): IntegrityError {
  return new IntegrityError('RUN_DAMAGED', `the run ${id} on the remote: ${problem}`, {
    hint: 'push it again from where it was made',
  });
}
