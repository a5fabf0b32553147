import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { IntegrityError, MlopsError, UsageError } from '../../errors.ts';
import { fetchArtifacts, type FetchArtifactsOptions } from '../transfer/fetch.ts';
import type { Repository } from '../repository/repository.ts';
import type { VersionState } from './model-state.ts';
import type { VersionRecord } from './record.ts';

/** A profile is never larger; docs/format.md section 8. */
const MAX_BYTES = 64 * 1024 * 1024;

export interface StoredProfile {
  /** What the record says of it: the artifact, and the bytes of its one file. */
  reference: { digest: string; size: number };
  /** As `StoredArtifact.isStillThere`. */
  isStillThere(): Promise<boolean>;
}

/** Keeps the bytes of a profile as an artifact of its own; a dry run only finds out what it would be. */
export async function storeReferenceProfile(
  repository: Repository,
  request: { referenceProfile?: Uint8Array | undefined; dryRun?: boolean; signal?: AbortSignal },
): Promise<StoredProfile | undefined> {
  const { referenceProfile: bytes, dryRun, signal } = request;
  if (bytes === undefined) return undefined;
  const artifacts = await repository.artifacts();
  const options = signal === undefined ? {} : { signal };
  if (dryRun === true) {
    const { digest, size } = await asFile(bytes, (path) => artifacts.digest(path, options));
    return { reference: { digest, size }, isStillThere: () => Promise.resolve(true) };
  }
  const stored = await artifacts.storeStream(onePiece(bytes), options);
  const { digest, size } = stored;
  return { reference: { digest, size }, isStillThere: () => stored.isStillThere() };
}

async function asFile<T>(bytes: Uint8Array, use: (path: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'mlops-profile-'));
  try {
    const path = join(directory, 'profile.json');
    await writeFile(path, bytes);
    return await use(path);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** That a version which was there already keeps the profile that it has, or has not. */
export function profileWarnings(
  { model, version, referenceProfile }: VersionRecord,
  wanted: StoredProfile | undefined,
): string[] {
  if (wanted === undefined || referenceProfile?.digest === wanted.reference.digest) return [];
  const what =
    referenceProfile === undefined ? 'without a reference profile' : 'with another reference profile';
  return [
    `${model}@${version} is saved already, ${what}, and stays so; to change that, save it under another label`,
  ];
}

async function* onePiece(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

export interface ReadReferenceOptions extends Pick<
  FetchArtifactsOptions,
  'remote' | 'signal' | 'onProgress'
> {
  /** Ask no remote for what is missing here. */
  offline?: boolean;
}

/**
 * The bytes of a version's reference profile, fetched first where they are not here.
 *
 * @throws UsageError `NO_REFERENCE_PROFILE`; IntegrityError `OBJECT_MISSING`, `OBJECT_DAMAGED`; as `fetchArtifacts`
 */
export async function readReferenceProfile(
  repository: Repository,
  { record }: VersionState,
  options: ReadReferenceOptions = {},
): Promise<Uint8Array> {
  const name = `${record.model}@${record.version}`;
  const { referenceProfile } = record;
  if (referenceProfile === undefined) {
    throw new UsageError(
      'NO_REFERENCE_PROFILE',
      `${name} was saved without a profile of its reference data`,
      {
        hint: `versions do not change: save one that has it with \`mlops save ${record.model} <path> --reference <data>\`, or name the data itself`,
      },
    );
  }
  const { digest } = referenceProfile;
  try {
    return await readOnlyFile(repository, digest, name);
  } catch (error) {
    const lacksObjects = error instanceof IntegrityError && /^OBJECT_(?:MISSING|DAMAGED)$/.test(error.code);
    if (!lacksObjects) throw error;
    await bring(repository, { digest, name: profileName(name), error }, options);
  }
  return readOnlyFile(repository, digest, name);
}

/** What messages call the profile of `<model>@<version>`. */
export function profileName(version: string): string {
  return `${version} (reference profile)`;
}

async function readOnlyFile(repository: Repository, digest: string, name: string): Promise<Uint8Array> {
  const artifacts = await repository.artifacts();
  const { kind, files } = await artifacts.manifest(digest);
  const [file] = files;
  if (kind !== 'file' || file === undefined || file.size > MAX_BYTES) {
    throw new UsageError(
      'PROFILE_INVALID',
      `what ${name} names as its reference profile (${digest}) is none`,
      {
        hint: `see what it is: mlops show ${name}`,
      },
    );
  }
  const pieces: Uint8Array[] = [];
  for await (const piece of artifacts.readFile(file)) pieces.push(piece.slice());
  return Buffer.concat(pieces);
}

interface Missing {
  digest: string;
  name: string;
  error: IntegrityError;
}

async function bring(
  repository: Repository,
  { digest, name, error: missing }: Missing,
  { offline, ...options }: ReadReferenceOptions,
): Promise<void> {
  if (offline === true) {
    throw new IntegrityError(missing.code, `${name} is not in this clone: ${missing.message}`, {
      hint: 'run it without --offline to fetch it',
      cause: missing,
    });
  }
  try {
    const repair = missing.code === 'OBJECT_DAMAGED' ? { repair: 'artifacts' as const } : {};
    await fetchArtifacts(repository, [digest], { ...options, ...repair, nameOf: () => name });
  } catch (error) {
    if (!(error instanceof MlopsError) || error.code !== 'NO_REMOTE') throw error;
    throw new IntegrityError(missing.code, `${missing.message}; ${error.message}`, {
      hint: error.hint ?? 'add the remote that holds it: mlops remote add <name> <url>',
      cause: missing,
    });
  }
}
