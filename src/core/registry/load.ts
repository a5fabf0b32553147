import { basename, resolve } from 'node:path';
import { IntegrityError, MlopsError, UsageError } from '../../errors.ts';
import { matchesGlob } from '../../lib/glob.ts';
import type { StoreProgress } from '../../storage/artifact-store.ts';
import type { Repository } from '../repository/repository.ts';
import { fetchArtifacts } from '../transfer/fetch.ts';
import { assertHarmlessTarget } from './harmless-target.ts';
import type { VersionState } from './model-state.ts';
import { resolveVersion } from './resolve-version.ts';

export interface LoadRequest extends StoreProgress {
  reference: string;
  /** Absolute path to write to; default: the base name of what was saved, in `cwd`. */
  target?: string | undefined;
  cwd: string;
  /** Globs over manifest paths; default all files. */
  files: readonly string[];
  /** Refuse unless the version's digest is this one, or starts with it (at least 8 digits). */
  expect?: string | undefined;
  force?: boolean;
  /** Ask no remote for what is missing here. */
  offline?: boolean;
  /** Name of the remote to fetch from; default the default one. */
  remote?: string | undefined;
  /** Work tree that the target must not hold or reach into; default the repository's own. */
  workTree?: string | undefined;
  /** Asked before anything is fetched; what it throws ends the command. */
  beforeFetch?: () => Promise<void>;
  /** Told of the bytes that are fetched, before those that are restored. */
  onFetch?: StoreProgress['onProgress'];
  signal?: AbortSignal;
}

export interface LoadedVersion {
  version: VersionState;
  target: string;
  outcome: 'restored' | 'unchanged';
  files: number;
  /** Bytes of the restored files. */
  size: number;
}

/**
 * Restores a version's artifact, byte for byte. What is missing here of the wanted files is fetched first.
 * @throws IntegrityError `DIGEST_UNEXPECTED`, UsageError `NO_FILE_MATCHES`, and as `resolveVersion`, `ArtifactStore.restore` and
 * `fetchArtifacts`
 */
export async function load(repository: Repository, request: LoadRequest): Promise<LoadedVersion> {
  const { version } = await resolveVersion(repository, request.reference);
  const { digest, model, version: label } = version.record;
  assertExpected(request.expect, { digest, name: `${model}@${label}` });
  try {
    return await restore(repository, version, request);
  } catch (error) {
    if (!lacksObjects(error)) throw error;
    await bring(repository, version, { request, error });
  }
  try {
    return await restore(repository, version, request);
  } catch (error) {
    // What lay here is read, and may be found to have rotted, only once all that was missing is here too.
    if (!lacksObjects(error) || error.code !== 'OBJECT_DAMAGED') throw error;
    await bring(repository, version, { request, error, repair: 'artifacts' });
  }
  return restore(repository, version, request);
}

function lacksObjects(error: unknown): error is IntegrityError {
  return error instanceof IntegrityError && /^OBJECT_(?:MISSING|DAMAGED)$/.test(error.code);
}

async function restore(
  repository: Repository,
  version: VersionState,
  request: LoadRequest,
): Promise<LoadedVersion> {
  const { digest, model, version: label } = version.record;
  const artifacts = await repository.artifacts();
  const manifest = await artifacts.manifest(digest);
  const wanted = manifest.files.filter((file) => isChosen(file.path, version, request));
  if (wanted.length === 0 && request.files.length > 0) {
    throw new UsageError(
      'NO_FILE_MATCHES',
      `no file of ${model}@${label} matches ${request.files.join(', ')}`,
      {
        hint: `see its files: mlops show ${model}@${label} --files`,
      },
    );
  }
  const target = targetOf(version, request);
  assertHarmlessTarget(request.workTree ?? repository.root, target);
  const paths = new Set(wanted.map((file) => file.path));
  const { force, signal, onProgress } = request;
  const outcome = await artifacts.restore(digest, target, {
    ...(request.files.length === 0 ? {} : { include: (candidate: string) => paths.has(candidate) }),
    ...(force === undefined ? {} : { force }),
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress }),
  });
  return {
    version,
    target,
    outcome,
    files: wanted.length,
    size: wanted.reduce((sum, file) => sum + file.size, 0),
  };
}

interface Bringing {
  request: LoadRequest;
  /** What was missing when it was tried without. */
  error: IntegrityError;
  /** As `FetchOptions.repair`. */
  repair?: 'artifacts';
}

/** Fetches what the wanted files lack. */
async function bring(
  repository: Repository,
  version: VersionState,
  { request, error: missing, repair }: Bringing,
): Promise<void> {
  const { digest, model, version: label, size } = version.record;
  const name = `${model}@${label}`;
  if (request.offline === true) {
    const message = `${name} is not (all) in this clone: ${missing.message}`;
    throw new IntegrityError(missing.code, message, {
      hint: 'run it without --offline to fetch what is missing',
      cause: missing,
    });
  }
  const { signal, onFetch } = request;
  try {
    // Who repairs was let fetch already.
    if (repair === undefined) await request.beforeFetch?.();
    await fetchArtifacts(repository, [digest], {
      remote: request.remote,
      include: (path) => isChosen(path, version, request),
      nameOf: () => name,
      restoring: {
        how: 'copy',
        targets: [{ path: targetOf(version, request), digest, size }],
        force: request.force === true,
      },
      ...(repair === undefined ? {} : { repair }),
      ...(signal === undefined ? {} : { signal }),
      ...(onFetch === undefined
        ? {}
        : { onProgress: ({ bytes, totalBytes }) => onFetch({ bytes, totalBytes, files: 0 }) }),
    });
  } catch (error) {
    if (!(error instanceof MlopsError) || error.code !== 'NO_REMOTE') throw error;
    throw new IntegrityError(missing.code, `${missing.message}; ${error.message}`, {
      hint: error.hint ?? 'add the remote that holds it: mlops remote add <name> <url>',
      cause: missing,
    });
  }
}

function targetOf({ record }: VersionState, { target, cwd }: LoadRequest): string {
  return target ?? resolve(cwd, basename(record.path));
}

function isChosen(path: string, { record }: VersionState, { files }: LoadRequest): boolean {
  return isWanted(path === '' ? basename(record.path) : path, files);
}

function isWanted(path: string, globs: readonly string[]): boolean {
  return globs.length === 0 || globs.some((glob) => matchesGlob(glob, path));
}

function assertExpected(
  expect: string | undefined,
  { digest, name }: { digest: string; name: string },
): void {
  if (expect === undefined) return;
  const hex = expect.replace(/^sha256:/, '');
  if (!/^[0-9a-f]{8,64}$/.test(hex)) {
    throw new UsageError('DIGEST_INVALID', `--expect: "${expect.slice(0, 100)}" is no digest`, {
      hint: 'give sha256: and at least 8 hexadecimal digits',
    });
  }
  if (digest.startsWith(`sha256:${hex}`)) return;
  throw new IntegrityError(
    'DIGEST_UNEXPECTED',
    `${name} has the digest ${digest}, not sha256:${hex}; nothing was written`,
    {
      hint: 'the stage may have moved since you pinned the digest: see `mlops history`',
    },
  );
}
