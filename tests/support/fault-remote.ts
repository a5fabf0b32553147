import { chmod, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { errorOf, mlops, startMlops, type Finished, type Running } from './binary.ts';
import { copyRepository, noise, observed, type FaultRepository } from './fault-repository.ts';
import { sha256, violations, type RepositoryState } from './invariants.ts';
import { startFaultProxy, type FaultProxy } from './fault-proxy.ts';
import { startS3Server, type S3Server, type S3ServerOptions } from './s3-server/server.ts';
import { openTempRepo } from './temp-repo.ts';

/** Objects are below this in the bucket. */
export const PREFIX = 'team/';

/** A clone that has its objects in a bucket, and a server with that bucket. */
export interface RemoteCase {
  repository: FaultRepository;
  server: S3Server;
  run(...argv: string[]): Promise<Finished>;
  start(...argv: string[]): Running;
  /** Runs a command that has to fail, checks that nothing here was changed but objects and gives its error. */
  fails(exitCode: number, ...argv: string[]): Promise<ReturnType<typeof errorOf>>;
}

export interface RemoteCaseOptions {
  server?: S3ServerOptions;
  /** Default: the server's own. */
  endpoint?: (server: S3Server) => string;
  bucket?: string;
  env?: Readonly<Record<string, string | undefined>>;
  /** What lies in the bucket at first, by key. */
  contents?: ReadonlyMap<string, Buffer>;
  /** Forget every object here, as in a fresh clone. */
  empty?: boolean;
}

/** A copy of the repository with a remote of its own; pauses are short and a silent connection is given up after 20 seconds. */
export async function remoteCase(
  fixture: FaultRepository,
  options: RemoteCaseOptions = {},
): Promise<RemoteCase> {
  const server = await startS3Server(options.server);
  onTestFinished(() => server.close());
  for (const [key, bytes] of options.contents ?? []) server.objects.put(key, bytes);
  const copy = await copyRepository(fixture);
  const repository = { ...copy, env: { ...copy.env, ...credentials(server), ...options.env } };
  const { root, env } = repository;
  const endpoint = options.endpoint?.(server) ?? server.endpoint;
  await useBucket(root, { bucket: options.bucket ?? server.bucket, endpoint });
  if (options.empty === true) await rm(join(root, '.mlops/cache'), { recursive: true });
  const run = (...argv: string[]): Promise<Finished> => mlops(argv, { cwd: root, env });
  return {
    repository,
    server,
    run,
    start: (...argv) => startMlops(argv, { cwd: root, env }),
    async fails(exitCode, ...argv) {
      const before = observed(repository);
      const outcome = await run('--json', ...argv);
      expect(outcome.code, outcome.stderr).toBe(exitCode);
      expect(wrong(observed(repository), before)).toEqual([]);
      return errorOf(outcome);
    },
  };
}

export function credentials({
  accessKeyId,
  secretAccessKey,
}: S3Server): Readonly<Record<string, string | undefined>> {
  return {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    MLOPS_REMOTE_TIMEOUT: '20',
  };
}

/** As `mlops remote add --local` does. */
export async function useBucket(
  root: string,
  { bucket, endpoint }: { bucket: string; endpoint: string },
): Promise<void> {
  const origin = { url: `s3://${bucket}/${PREFIX.slice(0, -1)}`, endpoint };
  const settings = { schema: 'mlops.config/1', remotes: { origin }, defaultRemote: 'origin' };
  await writeFile(join(root, '.mlops/local.json'), JSON.stringify(settings));
}

/** A proxy before a server that is started later. */
export async function proxied(server: S3Server): Promise<FaultProxy> {
  const proxy = await startFaultProxy({ target: server.endpoint });
  onTestFinished(() => proxy.close());
  return proxy;
}

/** Also goes for a clone that lacks objects: that stages name what is not here is no damage. */
export function wrong(state: RepositoryState, before: RepositoryState, outputs: string[] = []): string[] {
  const documents = [...state.documents].toString() === [...before.documents].toString();
  return [
    ...violations(state, { before, outputs }).filter((text) => !text.startsWith('I2')),
    ...(documents ? [] : ['a document was changed']),
  ];
}

/** Saves a third version whose files are partly new, so that there are packs to send. */
export async function saveThird(repository: FaultRepository): Promise<void> {
  const { root, env } = repository;
  await openTempRepo(root, env).write('build/more.bin', noise(300_000, 5));
  const saved = await mlops(['save', 'demo', 'build', '--version', 'v3'], { cwd: root, env });
  expect(saved.code, saved.stderr).toBe(0);
}

/** What a bucket holds once everything of a repository was pushed to it, by key; found out before the first test. */
export async function pushedContents(fixture: FaultRepository): Promise<Map<string, Buffer>> {
  const server = await startS3Server();
  const { root, env } = fixture;
  try {
    await useBucket(root, { bucket: server.bucket, endpoint: server.endpoint });
    const pushed = await mlops(['push'], { cwd: root, env: { ...env, ...credentials(server) } });
    expect([pushed.code, pushed.stderr]).toEqual([0, '']);
    return await contentsOf(server);
  } finally {
    await rm(join(root, '.mlops/local.json'));
    await server.close();
  }
}

/** Everything in the bucket, by key. */
export async function contentsOf(server: S3Server): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>();
  for (const key of server.objects.keys()) {
    const bytes = await server.objects.get(key);
    if (bytes !== undefined) found.set(key, bytes);
  }
  return found;
}

/** SHA-256 of everything in the bucket, by key. */
export function hashesOf(contents: ReadonlyMap<string, Buffer>): Map<string, string> {
  return new Map([...contents].map(([key, bytes]) => [key, sha256(bytes)]));
}

/** Keys of one kind of object, quarantined ones left out. */
export function keysOf(
  contents: { keys(): Iterable<string> },
  kind: 'packs' | 'manifests' | 'layouts',
): string[] {
  return [...contents.keys()].filter((key) => key.startsWith(`${PREFIX}${kind}/`)).toSorted();
}

/**
 * What is not as it should be in a bucket: an object that does not hash to its name, or a layout that names a pack or a manifest that is
 * not there. Follows docs/format.md.
 */
export async function lies(server: S3Server): Promise<string[]> {
  const found: string[] = [];
  const contents = await contentsOf(server);
  for (const key of [...keysOf(contents, 'packs'), ...keysOf(contents, 'manifests')])
    if (sha256(contents.get(key) ?? '') !== basename(key)) found.push(`${key} does not hash to its name`);
  for (const key of keysOf(contents, 'layouts')) {
    const manifest = basename(key).slice(0, 64);
    if (!contents.has(`${PREFIX}manifests/${manifest.slice(0, 2)}/${manifest}`))
      found.push(`${key} has no manifest`);
    const bytes = contents.get(key) ?? Buffer.alloc(0);
    if (sha256(bytes).slice(0, 16) !== basename(key).slice(65))
      found.push(`${key} does not hash to its name`);
    for (let at = 48; at < 48 + 36 * bytes.readUInt32LE(40); at += 36) {
      const name = bytes.toString('hex', at, at + 32);
      if (contents.get(`${PREFIX}packs/${name.slice(0, 2)}/${name}`)?.length !== bytes.readUInt32LE(at + 32))
        found.push(`${key} lacks pack ${name}`);
    }
  }
  return found;
}

/** A clone with nothing here restores a version, byte for byte what `build/` holds where it was saved. */
export async function expectRestores(
  { repository, server }: RemoteCase,
  version: string,
  wanted: Readonly<Record<string, Buffer>>,
): Promise<void> {
  const { root } = await copyRepository(repository);
  server.faults.clear();
  await useBucket(root, { bucket: server.bucket, endpoint: server.endpoint });
  await rm(join(root, '.mlops/cache'), { recursive: true });
  const env = { ...repository.env, ...credentials(server) };
  const loaded = await mlops(['load', `demo@${version}`, '-o', 'restored'], { cwd: root, env });
  expect([loaded.code, loaded.stderr]).toEqual([0, '']);
  expect((await readdir(join(root, 'restored'))).toSorted()).toEqual(Object.keys(wanted).toSorted());
  for (const [name, bytes] of Object.entries(wanted))
    expect((await readFile(join(root, 'restored', name))).equals(bytes)).toBe(true);
}

/** Files of the third version. */
export const THIRD: Readonly<Record<string, Buffer>> = {
  'config.json': Buffer.from('{"trained": "v3"}\n'),
  'more.bin': noise(300_000, 5),
  'weights.bin': noise(700_000),
};

/** Paths of objects here, below `.mlops/cache`. */
export function objectsHere(repository: FaultRepository, kind: 'packs' | 'manifests'): string[] {
  return [...observed(repository).objects.keys()].filter((path) => path.startsWith(`${kind}/`)).toSorted();
}

/**
 * Flips one bit of the pack that only the third version needs, which is neither the smallest nor the largest.
 * @returns its path below `.mlops/cache`, and the bytes that are there now
 */
export async function rotThird(repository: FaultRepository): Promise<{ path: string; bad: Buffer }> {
  const packs = await Promise.all(
    objectsHere(repository, 'packs').map(async (path) => ({
      path,
      bad: await readFile(join(repository.root, '.mlops/cache', path)),
    })),
  );
  const [, middle] = packs.toSorted((a, b) => a.bad.length - b.bad.length);
  if (middle === undefined) throw new Error('there is no third pack');
  const { path, bad } = middle;
  bad[1000] = (bad[1000] ?? 0) ^ 1;
  const file = join(repository.root, '.mlops/cache', path);
  await chmod(file, 0o644);
  await writeFile(file, bad);
  return { path, bad };
}

/** Names below `.mlops/cache/quarantine`. */
export async function quarantined({ root }: FaultRepository): Promise<string[]> {
  return readdir(join(root, '.mlops/cache/quarantine')).catch(() => []);
}

/** Copies a repository into a directory, such as a small file system. */
export async function moveInto({ root, env }: FaultRepository, directory: string): Promise<FaultRepository> {
  const [target, scratch] = [join(directory, 'repo'), join(directory, 'scratch')];
  await mkdir(scratch);
  await cp(root, target, { recursive: true, preserveTimestamps: true });
  return { root: target, env, scratch };
}
