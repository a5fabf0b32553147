import { UsageError } from '../../errors.ts';
import { printable } from '../../lib/terminal-text.ts';
import type { LocatedObject } from '../../storage/garbage.ts';
import type { Repository } from '../repository/repository.ts';
import { digestPrefix, resolveArtifact } from './resolve-artifact.ts';
import { collectRoots, createReader, type Keeper } from './roots.ts';

const DAY_MS = 86_400_000;

/** An artifact, and everything that needs it. */
export interface ArtifactKeepers {
  /** `sha256:<64 hex>`. */
  digest: string;
  keepers: readonly Keeper[];
}

export interface Explanation {
  /** An artifact that is needed and not here has no object. */
  kind: LocatedObject['kind'] | 'absent';
  /** 64 hex digits. */
  name: string;
  size: number;
  packs: readonly string[];
  /** Of each artifact that needs the object, those first that something needs. */
  artifacts: readonly ArtifactKeepers[];
  /** Time until which its age alone keeps it; undefined once that is past. */
  graceUntil: string | undefined;
  /** Whether `mlops gc` would leave it, for any of these reasons. */
  kept: boolean;
}

/**
 * Says what keeps an object: the artifacts that need it, the versions, stages, tracked paths and holds that need those, and the refs that
 * have them.
 *
 * @param reference a version, or the start (8 or more digits) of the name of a manifest, a pack or a blob
 * @throws UsageError `OBJECT_NOT_FOUND`, `REFERENCE_AMBIGUOUS`; and as `resolveVersion`, `collectRoots` and `GarbageCollector.locate`
 */
export async function why(repository: Repository, reference: string): Promise<Explanation> {
  const prefix = digestPrefix(reference);
  const digits = prefix ?? (await resolveArtifact(repository, reference)).digest.slice('sha256:'.length);
  const graceMs = repository.config.gc.graceDays * DAY_MS;
  const reader = await createReader(repository);
  const { keepers } = await collectRoots(repository, { graceMs, reader });
  const artifacts = await repository.artifacts();
  const found = await artifacts.garbage().locate(digits);
  const here = new Set(found.map(({ name }) => name));
  const absent = [...keepers.keys()]
    .map((digest) => digest.slice('sha256:'.length))
    .filter((name) => name.startsWith(digits) && !here.has(name));
  const names = [...new Set([...here, ...absent])];
  const [name] = names;
  if (name === undefined) {
    throw new UsageError(
      'OBJECT_NOT_FOUND',
      `no object here, and nothing that is needed, starts with ${digits}`,
      {
        hint: 'see the digests with `mlops list <model> --json`, or the objects with `mlops gc --explain`',
      },
    );
  }
  if (names.length > 1) {
    const shown = names.slice(0, 5).map((each) => each.slice(0, 16));
    throw new UsageError('REFERENCE_AMBIGUOUS', `${printable(digits)} could be ${shown.join(', ')}`, {
      hint: 'give more digits',
    });
  }
  // A small file is one blob, and a manifest of one may hash to nothing else; the wider object says more.
  const object = found[0];
  const needing = (object?.artifacts ?? [`sha256:${name}`]).map((digest) => ({
    digest,
    keepers: keepers.get(digest) ?? [],
  }));
  const until = (object?.modified ?? 0) + graceMs;
  const isYoung = until > repository.now().getTime();
  return {
    kind: object?.kind ?? 'absent',
    name,
    size: object?.size ?? 0,
    packs: object?.packs ?? [],
    artifacts: needing.toSorted((first, second) => second.keepers.length - first.keepers.length),
    graceUntil: isYoung ? new Date(until).toISOString() : undefined,
    kept: isYoung || needing.some((each) => each.keepers.length > 0),
  };
}
