import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { DEFAULT_CONFIG, type Config } from '../../src/config/schema.ts';
import { initialise } from '../../src/core/repository/init.ts';
import { chooseRemote } from '../../src/core/repository/choose-remote.ts';
import type { Repository } from '../../src/core/repository/repository.ts';
import { promote, rollback } from '../../src/core/registry/promote.ts';
import { save, type SaveRequest, type SavedVersion } from '../../src/core/registry/save.ts';
import type { MovedStage } from '../../src/core/registry/move-stage.ts';
import type { Git } from '../../src/git/git.ts';
import type { DocumentStore } from '../../src/storage/document-store.ts';
import { createLocalDocumentStore } from '../../src/storage/local/document-store.ts';
import { LocalRunFiles } from '../../src/storage/local/run-files.ts';
import { createTarBundles } from '../../src/storage/local/tar-bundle.ts';
import { createMemoryArtifactStore } from '../../src/storage/memory/artifact-store.ts';
import { createMemoryCommitLock } from '../../src/storage/memory/commit-lock.ts';
import { createMemoryDocumentStore } from '../../src/storage/memory/document-store.ts';
import { MemoryObjectStore } from '../../src/storage/memory/object-store.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';

export interface MemoryRepositoryOptions {
  config?: Partial<Config>;
  /** Wraps the document store, for faults. */
  wrap?: (documents: DocumentStore) => DocumentStore;
  unknownFeatures?: readonly string[];
  actor?: string;
  host?: string;
  /** What is behind the configured remotes, by URL; a URL that is not named has an empty store of its own. */
  stores?: Readonly<Record<string, ObjectStore>>;
}

export interface MemoryRepository extends Repository {
  /** The store below `wrap`. */
  readonly plain: DocumentStore;
  /** A second of the clock; `now` alone moves it by one millisecond. */
  tick(milliseconds: number): void;
  setTime(time: string): void;
  /** A real file or directory below the root; resolves to its absolute path. */
  source(path: string, content: string): Promise<string>;
}

/** A Git that knows of nothing: the registry must work before the first commit. */
const NO_GIT: Git = {
  findRoot: () => Promise.resolve(undefined),
  uncommitted: () => Promise.resolve(undefined),
  stageIgnored: () => Promise.resolve(),
  codeState: () => Promise.resolve({ dirty: false, untracked: 0 }),
  identity: () => Promise.resolve(undefined),
  stage: () => Promise.resolve(),
  commit: () => Promise.resolve('0'.repeat(40)),
  ignoredBy: () => Promise.resolve(undefined),
  notIgnored: (paths) => Promise.resolve([...paths]),
  hasCommit: () => Promise.resolve(false),
  conflictSides: () => Promise.resolve({ ours: undefined, theirs: undefined }),
  references: () => Promise.resolve([]),
  directoriesAt: () => Promise.resolve(new Map()),
  readTrees: () => Promise.resolve(new Map()),
  listTree: () => Promise.resolve([]),
  listIndex: () => Promise.resolve([]),
  stagedChanges: () => Promise.resolve([]),
  absentFromHead: () => Promise.resolve([]),
  isRebasing: () => Promise.resolve(false),
  readBlobs: () => Promise.resolve(),
  newCommits: () => Promise.resolve([]),
  partiallyFetched: () => Promise.resolve([]),
  remotes: () => Promise.resolve([]),
  advertised: () => Promise.resolve({ known: [], unknown: [] }),
  filesEver: () => Promise.resolve([]),
  version: () => Promise.resolve('2.40.0'),
};

/**
 * A repository whose documents, lock and objects are in memory. Sources and targets are real files. The clock starts at
 * 2026-01-01 and moves one millisecond each time it is read.
 */
export async function memoryRepository(options: MemoryRepositoryOptions = {}): Promise<MemoryRepository> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'mlops-memory-')));
  onTestFinished(() => rm(root, { recursive: true, force: true, maxRetries: 3 }));
  const plain = createMemoryDocumentStore();
  await initialise(plain);
  let clock = Date.parse('2026-01-01T00:00:00.000Z');
  const artifacts = createMemoryArtifactStore({ root });
  const runFiles = new LocalRunFiles(join(root, '.mlops'));
  const config = { ...DEFAULT_CONFIG, ...options.config };
  const stores = new Map(Object.entries(options.stores ?? {}));
  return {
    root,
    plain,
    documents: options.wrap?.(plain) ?? plain,
    workTree: createLocalDocumentStore(root),
    lock: createMemoryCommitLock(),
    config,
    unknownFeatures: options.unknownFeatures ?? [],
    artifacts: () => Promise.resolve(artifacts),
    bundles: () => Promise.resolve(createTarBundles()),
    runFiles: () => Promise.resolve(runFiles),
    remote: async (name) => {
      const { shown, settings } = chooseRemote(config, name);
      const objects = stores.get(settings.url) ?? new MemoryObjectStore();
      stores.set(settings.url, objects);
      return { ...shown, objects, allow: () => undefined };
    },
    git: () => Promise.resolve(NO_GIT),
    now: () => new Date((clock += 1)),
    actor: () => Promise.resolve(options.actor ?? 'Test User <test@example.org>'),
    tool: 'mlops/test',
    host: options.host ?? 'this-host',
    environment: { node: 'v20.19.0', platform: 'linux', arch: 'x64' },
    tick: (milliseconds) => {
      clock += milliseconds;
    },
    setTime: (time) => {
      clock = Date.parse(time) - 1;
    },
    async source(path, content) {
      const file = join(root, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content);
      return file;
    },
  };
}

/** Saves `content` as a version; the label is the content unless given. */
export async function saveVersion(
  repository: MemoryRepository,
  label: string,
  request: Partial<SaveRequest> = {},
): Promise<SavedVersion> {
  const source = request.source ?? (await repository.source('model.bin', `bytes of ${label}`));
  return save(repository, {
    model: 'fraud',
    metrics: new Map(),
    params: new Map(),
    tags: new Map(),
    data: [],
    label,
    ...request,
    source,
  });
}

export function promoteTo(
  repository: Repository,
  reference: string,
  stage = 'production',
): Promise<MovedStage> {
  return promote(repository, { reference, stage });
}

export function rollbackStage(
  repository: Repository,
  to?: string,
  stage = 'production',
): Promise<MovedStage> {
  return rollback(repository, { model: 'fraud', stage, to, reason: 'it misbehaves' });
}

/** Every document below `.mlops`, by path. */
export async function documentsOf(
  documents: DocumentStore,
  directory = '',
): Promise<Map<string, Uint8Array>> {
  const prefix = directory === '' ? '' : `${directory}/`;
  const found = new Map<string, Uint8Array>();
  for (const file of await documents.readDirectory(directory)) found.set(prefix + file.name, file.read());
  for (const name of await documents.listDirectories(directory)) {
    for (const [path, bytes] of await documentsOf(documents, prefix + name)) found.set(path, bytes);
  }
  return found;
}

/** Paths of the events of a model, in the order of their names. */
export async function eventPaths(documents: DocumentStore, model = 'fraud'): Promise<string[]> {
  const files = await documents.readDirectory(`models/${model}/events`);
  return files.map(({ name }) => `models/${model}/events/${name}`);
}
