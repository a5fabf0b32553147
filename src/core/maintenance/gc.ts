import { MlopsError } from '../../errors.ts';
import type { CollectedGarbage, GarbageCollector, GarbagePlan } from '../../storage/garbage.ts';
import { assertWritable } from '../repository/format.ts';
import type { NeedsReader } from '../repository/documents-at.ts';
import type { Repository } from '../repository/repository.ts';
import { isInUse, proveOnRemote } from './evict.ts';
import { collectRoots, createReader, type Keeper, type NeedSource, type Roots } from './roots.ts';

const DAY_MS = 86_400_000;

export interface GcRequest {
  /** Remove; default only say what would be. */
  yes: boolean;
  /** Default the setting `gc.graceDays`. */
  graceDays?: number | undefined;
  /**
   * Also remove what is needed and not in use here, once this remote (default: the default one) was read and proved to have it.
   */
  evict?: { remote: string | undefined } | undefined;
  signal?: AbortSignal;
  /** Objects looked at so far. */
  onProgress?(done: { objects: number }): void;
}

/** What was found, and what was done about it. Sizes are bytes. */
export interface GcReport {
  plan: GarbagePlan;
  /** Bytes that removing would free, after what has to be copied. */
  reclaimable: number;
  /** Undefined in a dry run. */
  removed: CollectedGarbage | undefined;
  /** Why sparse packs were left alone, when they were. */
  notCopied: MlopsError | undefined;
  /** Artifacts that are needed and go from here because the remote has them; in a dry run, if it has. */
  evicted: readonly string[];
  roots: Roots;
  graceDays: number;
}

/**
 * Removes objects of this clone that nothing needs any more: manifests, then packs, after the blobs that are still needed were copied
 * out of packs that hold little else.
 *
 * Nothing is removed unless everything that may need an object could be read. What was stored or pointed to within the grace period
 * stays. The last look and the removal are done under the lock: whoever registers an artifact does that under the lock too, after asking
 * whether its objects are still there.
 *
 * @throws LocalIoError, IntegrityError, UsageError, RefusedError, ConflictError, each with nothing removed, except for an error of the
 * removal itself; running it again finishes it
 */
export async function gc(repository: Repository, request: GcRequest): Promise<GcReport> {
  const { yes, signal } = request;
  if (yes) assertWritable(repository.unknownFeatures);
  const graceDays = request.graceDays ?? repository.config.gc.graceDays;
  const run: Run = {
    repository,
    reader: await createReader(repository),
    collector: (await repository.artifacts()).garbage(),
    graceMs: graceDays * DAY_MS,
    request,
    evicted: new Set(),
  };
  if (request.evict !== undefined) run.evicted = await chooseEvicted(run, request.evict);
  const { roots, plan } = await look(run);
  const evicted = [...run.evicted].filter((digest) =>
    plan.manifests.some(({ name }) => digest.endsWith(name)),
  );
  const report = { plan, roots, graceDays, evicted, reclaimable: reclaimable(plan), notCopied: undefined };
  if (!yes) return { ...report, removed: undefined };
  const notCopied = await copySparse(run.collector, plan, signal);
  const removed = isEmpty(plan) ? NOTHING : await removeUnderLock(run, plan);
  return { ...report, notCopied, removed };
}

const NOTHING: CollectedGarbage = { manifests: 0, packs: 0, repacked: 0, bytes: 0 };

interface Run {
  repository: Repository;
  reader: NeedsReader;
  collector: GarbageCollector;
  graceMs: number;
  request: GcRequest;
  /** Artifacts that the remote was proved to have. */
  evicted: ReadonlySet<string>;
}

/** Looked for by a collector of its own, since one never lets go of what it once took for needed. */
async function chooseEvicted(run: Run, from: { remote: string | undefined }): Promise<Set<string>> {
  const { repository, request } = run;
  const collector = (await repository.artifacts()).garbage();
  const { roots, plan } = await look({ ...run, collector });
  const chosen = plan.needed.filter((digest) => !isInUse(roots.keepers.get(digest) ?? []));
  const { signal } = request;
  if (request.yes) {
    await proveOnRemote(repository, chosen, { ...from, ...(signal === undefined ? {} : { signal }) });
  }
  return new Set(chosen);
}

async function look({ repository, reader, collector, graceMs, request, evicted }: Run): Promise<{
  roots: Roots;
  plan: GarbagePlan;
}> {
  const { signal, onProgress } = request;
  const roots = await collectRoots(repository, { graceMs, reader });
  const needed = new Set<string>();
  for (const [digest, keepers] of roots.keepers) {
    // Asked each time: somebody may have promoted it since the remote was read.
    if (!evicted.has(digest) || isInUse(keepers)) needed.add(digest);
  }
  const plan = await collector.survey(needed, {
    graceMs,
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress }),
  });
  return { roots, plan };
}

/** A full disk is why people come here: then sparse packs wait, and what nothing needs goes. */
async function copySparse(
  collector: GarbageCollector,
  plan: GarbagePlan,
  signal: AbortSignal | undefined,
): Promise<MlopsError | undefined> {
  try {
    await collector.copySparse(plan, signal === undefined ? {} : { signal });
    return undefined;
  } catch (error) {
    if (error instanceof MlopsError && error.code === 'DISK_FULL') return error;
    throw error;
  }
}

/** Only what both looks found to be garbage: what came to be in between is left to the next run. */
async function removeUnderLock(run: Run, first: GarbagePlan): Promise<CollectedGarbage> {
  const lock = await run.repository.lock.acquire('gc');
  try {
    const { plan: second } = await look(run);
    return await run.collector.remove(
      {
        ...second,
        manifests: both(first.manifests, second.manifests),
        packs: both(first.packs, second.packs),
        sparse: both(first.sparse, second.sparse),
      },
      { assertAllowed: () => lock.assertHeld() },
    );
  } finally {
    await lock.release();
  }
}

function both<T extends { name: string }>(first: readonly T[], second: readonly T[]): T[] {
  const names = new Set(first.map(({ name }) => name));
  return second.filter(({ name }) => names.has(name));
}

function isEmpty({ manifests, packs, sparse }: GarbagePlan): boolean {
  return manifests.length + packs.length + sparse.length === 0;
}

function reclaimable({ manifests, packs, sparse }: GarbagePlan): number {
  const whole = [...manifests, ...packs].reduce((sum, { size }) => sum + size, 0);
  return sparse.reduce((sum, { size, neededBytes }) => sum + size - neededBytes, whole);
}

/** An artifact that this work tree's own documents do not need, and what does. */
export interface KeptElsewhere {
  digest: string;
  keepers: readonly Keeper[];
}

/** What is here and only other branches, tags, stashes, work trees, the reflog or holds need, sorted by the first name. */
export function keptElsewhere({ roots, plan }: Pick<GcReport, 'roots' | 'plan'>): KeptElsewhere[] {
  const found: KeptElsewhere[] = [];
  for (const digest of plan.needed) {
    const reasons = roots.keepers.get(digest) ?? [];
    if (!reasons.some(({ sources }) => sources.some(isHere))) found.push({ digest, keepers: reasons });
  }
  const nameOf = (kept: KeptElsewhere): string => kept.keepers[0]?.need.name ?? '';
  return found.toSorted((first, second) => (nameOf(first) < nameOf(second) ? -1 : 1));
}

function isHere({ kind }: NeedSource): boolean {
  return kind === 'files' || kind === 'index';
}
