import { MlopsError, RefusedError } from '../../errors.ts';
import type { GitReference } from '../../git/git.ts';
import { printable } from '../../lib/terminal-text.ts';
import type { CollectedRemoteGarbage, RemoteGarbagePlan } from '../../storage/garbage.ts';
import { assertWritable } from '../repository/format.ts';
import type { OpenRemote, Repository } from '../repository/repository.ts';
import { listPushes, neededByPushes } from '../runs/pushed-runs.ts';
import type { GcRequest } from './gc.ts';
import { askGitRemotes } from './other-clones.ts';
import { ownArtifacts } from './own-artifacts.ts';
import { collectRoots, createReader, type Roots } from './roots.ts';

const DAY_MS = 86_400_000;

export interface RemoteGcRequest extends GcRequest {
  /** Name of the remote; default the default one. */
  remote: string | undefined;
  /** There is no other clone of this repository, so that one without a remote of Git knows everything. */
  soleClone?: boolean;
}

/** What was found, and what was done about it. Sizes are bytes. */
export interface RemoteGcReport {
  remote: Pick<OpenRemote, 'name' | 'description'>;
  plan: RemoteGarbagePlan;
  /** Bytes that removing would free, after what has to be copied. */
  reclaimable: number;
  /** Undefined in a dry run. */
  removed: CollectedRemoteGarbage | undefined;
  /** In a dry run: why nothing would be removed. */
  blocked: MlopsError | undefined;
  roots: Roots;
  graceDays: number;
}

/**
 * Removes objects of a remote that were made in this repository, that nothing known to this clone needs and that are older than the
 * grace period: layouts, then manifests and packs that no remaining layout names; then packs of which little is needed, once that is
 * copied.
 *
 * Other clones may need what this one has never heard of. What they pushed to Git has to be here, so each remote of Git is asked what it
 * has now; what they have not pushed is covered by the grace period. A dry run asks only beside a remote that is trusted: asking may start
 * programs that the configuration of Git names.
 *
 * @throws UsageError `FORMAT_UNSUPPORTED`; RefusedError `REMOTE_NOT_TRUSTED`, `BRANCHES_UNKNOWN`; as `Repository.remote`, `askGitRemotes`
 * (in a dry run that is `blocked`), `ownArtifacts`, `collectRoots` and `RemoteGarbageCollector`
 */
export async function gcRemote(repository: Repository, request: RemoteGcRequest): Promise<RemoteGcReport> {
  const { yes, signal, onProgress } = request;
  if (yes) assertWritable(repository.unknownFeatures);
  const remote = await repository.remote(request.remote);
  if (yes) assertTrusted(remote);
  await assertKnowsEveryBranch(repository);
  const reader = await createReader(repository);
  const elsewhere = await lookElsewhere(repository, { ...request, ask: yes || remote.trusted });
  const graceDays = request.graceDays ?? repository.config.gc.graceDays;
  const graceMs = graceDays * DAY_MS;
  const roots = await collectRoots(repository, { graceMs, reader, also: elsewhere.references });
  const own = await ownArtifacts(repository);
  const artifacts = await repository.artifacts();
  const collector = artifacts.remoteGarbage(remote.objects);
  // What others pushed of runs may be in no commit.
  const pushed = neededByPushes(await listPushes(remote.objects));
  const plan = await collector.survey(new Set([...roots.keepers.keys(), ...pushed]), {
    graceMs,
    own,
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress }),
  });
  return {
    remote,
    plan,
    roots,
    graceDays,
    reclaimable: reclaimable(plan),
    blocked: elsewhere.blocked,
    removed: yes ? await collector.remove(plan, signal === undefined ? {} : { signal }) : undefined,
  };
}

function reclaimable({ layouts, manifests, packs, sparse }: RemoteGarbagePlan): number {
  const whole = [...layouts, ...manifests, ...packs].reduce((sum, { size }) => sum + size, 0);
  return sparse.reduce((sum, { size, neededBytes }) => sum + size - neededBytes, whole);
}

async function lookElsewhere(
  repository: Repository,
  { yes, soleClone = false, ask }: RemoteGcRequest & { ask: boolean },
): Promise<{ references: readonly GitReference[]; blocked: MlopsError | undefined }> {
  if (!ask) return { references: [], blocked: undefined };
  try {
    return { references: await askGitRemotes(repository, { soleClone }), blocked: undefined };
  } catch (error) {
    if (yes || !(error instanceof MlopsError)) throw error;
    return { references: [], blocked: error };
  }
}

function assertTrusted({ name, description, trusted }: OpenRemote): void {
  if (trusted) return;
  throw new RefusedError(
    'REMOTE_NOT_TRUSTED',
    `the remote "${name}" (${description}) is named by the shared configuration only; nothing was removed`,
    { hint: `to trust it in this clone: mlops remote trust ${name}` },
  );
}

async function assertKnowsEveryBranch(repository: Repository): Promise<void> {
  const git = await repository.git();
  const partial = await git.partiallyFetched();
  const [first] = partial;
  if (first === undefined) return;
  throw new RefusedError(
    'BRANCHES_UNKNOWN',
    `this clone does not fetch every branch of ${printable(partial.join(', '))}, so it can't know what those need; nothing was removed`,
    { hint: `let it fetch them: git remote set-branches ${printable(first)} '*' && git fetch --all --tags` },
  );
}
