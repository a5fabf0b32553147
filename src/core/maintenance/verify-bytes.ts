import { IntegrityError } from '../../errors.ts';
import type { StorageDamage, VerifyObjectsOptions } from '../../storage/artifact-store.ts';
import { gitPath } from '../repository/layout.ts';
import type { Repository } from '../repository/repository.ts';
import { fetchArtifacts } from '../transfer/fetch.ts';
import { inspectRemote } from '../transfer/inspect.ts';
import { verifyOnRemote } from '../transfer/verify-remote.ts';

/** Names listed in one message. */
const MAX_NAMED = 20;

export interface VerifyBytesRequest extends VerifyObjectsOptions {
  digests: readonly string[];
  /** Also read what a remote holds: the one of that name, or with `true` the default one. */
  remote?: string | boolean;
  /** Fetch what is damaged or incomplete here again before looking. */
  repair?: boolean;
}

/** `artifact`: some that could not be repaired; the path is the name of the remote and `:`, the problem names them. */
export type BytesDamage = StorageDamage | { kind: 'artifact'; path: string; digest: null; problem: string };

export interface VerifiedBytes {
  checked: { manifests: number; packs: number; blobs: number; bytes: number };
  /** Paths below the Git root; of a remote its name, `:`, and the path there. */
  damage: BytesDamage[];
  notices: string[];
}

/**
 * Holds objects against what documents need of them, here and, when asked, on a remote.
 * @throws as `Repository.remote` when one is needed; RemoteError
 */
export async function verifyBytes(
  repository: Repository,
  request: VerifyBytesRequest,
): Promise<VerifiedBytes> {
  const { digests, remote, repair, ...options } = request;
  const notices: string[] = [];
  const kept: BytesDamage[] = repair === true ? await repairHere(repository, request) : [];
  const artifacts = await repository.artifacts();
  const quarantined = artifacts.quarantinedManifests();
  const here = await artifacts.verifyObjects(digests, options);
  const elsewhere: string[] = [];
  for (const found of here.damage) {
    const mayBe = options.only !== true && found.kind === 'manifest';
    if (mayBe && (await isElsewhere(repository, found.digest, quarantined))) elsewhere.push(found.digest);
    else kept.push({ ...found, path: gitPath(found.path) });
  }
  const asksRemote = remote !== undefined && remote !== false;
  if (elsewhere.length > 0) {
    notices.push(
      `${elsewhere.length} of ${digests.length} artifacts are not in this clone (to bring them: \`mlops fetch --all\`)${
        asksRemote || repair === true
          ? ''
          : '; whether the remote holds them was not asked: `mlops status --remote`'
      }`,
    );
  }
  if (!asksRemote) {
    if (repair === true) kept.push(...(await lackingThere(repository, elsewhere, request)));
    return { checked: here.checked, damage: kept, notices };
  }
  const there = await verifyOnRemote(repository, digests, {
    remote: remote === true ? undefined : remote,
    ...(options.sample === undefined ? {} : { sample: options.sample }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    ...progressOf(options),
  });
  return {
    checked: {
      manifests: here.checked.manifests + there.checked.manifests,
      packs: here.checked.packs + there.checked.packs,
      blobs: here.checked.blobs + there.checked.blobs,
      bytes: here.checked.bytes + there.checked.bytes,
    },
    damage: [...kept, ...there.damage.map((found) => ({ ...found, path: `${there.remote}:${found.path}` }))],
    notices,
  };
}

/**
 * Where there is a remote, an artifact of which not even the manifest is here was never fetched, which is no damage. One whose manifest
 * was here, went bad and was moved away is damage until it is replaced.
 */
async function isElsewhere(
  repository: Repository,
  digest: string,
  quarantined: ReadonlySet<string>,
): Promise<boolean> {
  if (quarantined.has(digest) || Object.keys(repository.config.remotes).length === 0) return false;
  try {
    await (await repository.artifacts()).manifest(digest);
    return false;
  } catch (error) {
    return error instanceof IntegrityError && error.code === 'OBJECT_MISSING';
  }
}

/** What is neither here nor complete on the remote that repairs. @throws as `inspectRemote` */
async function lackingThere(
  repository: Repository,
  digests: readonly string[],
  { signal }: VerifyBytesRequest,
): Promise<StorageDamage[]> {
  if (digests.length === 0) return [];
  const { name } = await repository.remote();
  const states = await inspectRemote(repository, digests, signal === undefined ? {} : { signal });
  return states.flatMap(({ digest, state, missing }): StorageDamage[] => {
    if (state === 'complete') return [];
    const hex = digest.slice('sha256:'.length);
    const lacks = missing.length === 0 ? '' : `: it lacks ${missing.slice(0, MAX_NAMED).join(', ')}`;
    const problem = `${state} on the remote${lacks}; not in this clone`;
    return [{ kind: 'manifest', path: `${name}:manifests/${hex.slice(0, 2)}/${hex}`, digest, problem }];
  });
}

/** @returns what could not be repaired, and why; verifying says what is wrong here */
async function repairHere(
  repository: Repository,
  { digests, only, signal, onProgress }: VerifyBytesRequest,
): Promise<BytesDamage[]> {
  const known: string[] = [];
  const quarantined = (await repository.artifacts()).quarantinedManifests();
  for (const digest of digests)
    if (only === true || !(await isElsewhere(repository, digest, quarantined))) known.push(digest);
  try {
    await fetchArtifacts(repository, known, {
      repair: only === true ? 'artifacts' : 'everything',
      ...(signal === undefined ? {} : { signal }),
      ...progressOf({ onProgress }),
    });
    return [];
  } catch (error) {
    if (!(error instanceof IntegrityError)) throw error;
    const { name } = await repository.remote();
    const problem = error.hint === undefined ? error.message : `${error.message}; ${error.hint}`;
    return [{ kind: 'artifact', path: `${name}:`, digest: null, problem }];
  }
}

function progressOf({ onProgress }: { onProgress?: VerifyObjectsOptions['onProgress'] | undefined }): {
  onProgress?: (done: { bytes: number; totalBytes: number | undefined }) => void;
} {
  if (onProgress === undefined) return {};
  return { onProgress: ({ bytes, totalBytes }) => onProgress({ bytes, totalBytes, files: 0 }) };
}
