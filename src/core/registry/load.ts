import { basename, resolve } from 'node:path';
import { IntegrityError, UsageError } from '../../errors.ts';
import { matchesGlob } from '../../lib/glob.ts';
import type { StoreProgress } from '../../storage/artifact-store.ts';
import type { Repository } from '../repository/repository.ts';
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
 * Restores a version's artifact, byte for byte.
 * @throws IntegrityError `DIGEST_UNEXPECTED`, UsageError `NO_FILE_MATCHES`, and as `resolveVersion` and `ArtifactStore.restore`
 */
export async function load(repository: Repository, request: LoadRequest): Promise<LoadedVersion> {
  const { version } = await resolveVersion(repository, request.reference);
  const { digest, model, version: label, path } = version.record;
  assertExpected(request.expect, { digest, name: `${model}@${label}` });
  const artifacts = await repository.artifacts();
  const manifest = await artifacts.manifest(digest);
  const wanted = manifest.files.filter((file) =>
    isWanted(file.path === '' ? basename(path) : file.path, request.files),
  );
  if (wanted.length === 0 && request.files.length > 0) {
    throw new UsageError(
      'NO_FILE_MATCHES',
      `no file of ${model}@${label} matches ${request.files.join(', ')}`,
      {
        hint: `see its files: mlops show ${model}@${label} --files`,
      },
    );
  }
  const target = request.target ?? resolve(request.cwd, basename(path));
  assertHarmlessTarget(repository.root, target);
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
