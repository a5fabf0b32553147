import { IntegrityError } from '../../errors.ts';
import type { StorageDamage, VerifyObjectsOptions } from '../../storage/artifact-store.ts';
import { gitPath } from '../repository/layout.ts';
import type { Repository } from '../repository/repository.ts';
import { fetchArtifacts } from '../transfer/fetch.ts';
import { verifyOnRemote } from '../transfer/verify-remote.ts';

export interface VerifyBytesRequest extends VerifyObjectsOptions {
  digests: readonly string[];
  /** Also read what a remote holds: the one of that name, or with `true` the default one. */
  remote?: string | boolean;
  /** Fetch what is damaged or incomplete here again before looking. */
  repair?: boolean;
}

export interface VerifiedBytes {
  checked: { manifests: number; packs: number; blobs: number; bytes: number };
  /** Paths below the Git root; of a remote its name, `:`, and the path there. */
  damage: StorageDamage[];
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
  if (repair === true) notices.push(...(await repairHere(repository, request)));
  const artifacts = await repository.artifacts();
  const here = await artifacts.verifyObjects(digests, options);
  const kept: StorageDamage[] = [];
  let elsewhere = 0;
  for (const found of here.damage) {
    if (options.only !== true && (await isElsewhere(repository, found))) elsewhere += 1;
    else kept.push({ ...found, path: gitPath(found.path) });
  }
  if (elsewhere > 0)
    notices.push(
      `${elsewhere} of ${digests.length} artifacts are not in this clone: \`mlops fetch --all\` brings them, \`mlops verify --remote\` proves that the remote has them`,
    );
  if (remote === undefined || remote === false) return { checked: here.checked, damage: kept, notices };
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

/** Where there is a remote, an artifact of which not even the manifest is here was never fetched, which is no damage. */
async function isElsewhere(repository: Repository, { kind, digest }: StorageDamage): Promise<boolean> {
  if (kind !== 'manifest' || Object.keys(repository.config.remotes).length === 0) return false;
  return lacksManifest(repository, digest);
}

async function lacksManifest(repository: Repository, digest: string): Promise<boolean> {
  try {
    await (await repository.artifacts()).manifest(digest);
    return false;
  } catch (error) {
    return error instanceof IntegrityError && error.code === 'OBJECT_MISSING';
  }
}

/** @returns what could not be repaired, and why; verifying says where it is */
async function repairHere(
  repository: Repository,
  { digests, only, signal, onProgress }: VerifyBytesRequest,
): Promise<string[]> {
  const known: string[] = [];
  for (const digest of digests)
    if (only === true || !(await lacksManifest(repository, digest))) known.push(digest);
  try {
    await fetchArtifacts(repository, known, {
      repair: only === true ? 'artifacts' : 'everything',
      ...(signal === undefined ? {} : { signal }),
      ...progressOf({ onProgress }),
    });
    return [];
  } catch (error) {
    if (!(error instanceof IntegrityError)) throw error;
    return [error.hint === undefined ? error.message : `${error.message}; ${error.hint}`];
  }
}

function progressOf({ onProgress }: { onProgress?: VerifyObjectsOptions['onProgress'] | undefined }): {
  onProgress?: (done: { bytes: number; totalBytes: number | undefined }) => void;
} {
  if (onProgress === undefined) return {};
  return { onProgress: ({ bytes, totalBytes }) => onProgress({ bytes, totalBytes, files: 0 }) };
}
