import { realpathSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import type { RemoteConfig } from '../config/schema.ts';
import { UsageError } from '../errors.ts';
import type { Git, GitHooks } from '../git/git.ts';
import type { CommitLock } from '../storage/commit-lock.ts';
import type { OutputFiles } from '../storage/output-files.ts';
import type { RemotePlace } from '../storage/open-remote.ts';
import type { TableReader } from '../storage/tables/table.ts';
import type { RepositoryParts } from '../core/repository/open.ts';
import type { Repository } from '../core/repository/repository.ts';
import type { Execute } from '../core/runs/execute.ts';
import type { Run, TrackingEndpoint } from '../core/runs/index.ts';
import type { TrackingServer, TrackingServerOptions } from '../server/tracking-server.ts';
import { MLOPS_DIRECTORY } from '../core/repository/layout.ts';
import { VERSION } from './version.ts';
import { createProcessIo, type ProcessIo } from './process-io.ts';
import { createProgress } from '../ui/progress.ts';
import { painter } from '../ui/colour.ts';
import { printable } from '../lib/terminal-text.ts';

/** The streams and what is known of them. Nothing else in `src` touches `process.stdout` or `process.stderr`. */
export interface Io {
  out(text: string): void;
  err(text: string): void;
  /** Passes on what another program printed; resolves when more may come. Absent where a stream takes text only. */
  writeBytes?(stream: 'stdout' | 'stderr', bytes: Uint8Array): Promise<void>;
  outIsTTY: boolean;
  errIsTTY: boolean;
  /** Whether colour was asked for on each stream, after NO_COLOR, FORCE_COLOR, --no-color and TTY detection. */
  outColor: boolean;
  errColor: boolean;
  /** Width of the terminal; Infinity when stdout is none. */
  columns: number;
  /** Puts a question on stderr and waits for a line; absent when nobody can answer. */
  readonly ask?: ((question: string, signal: AbortSignal) => Promise<string>) | undefined;
  /** Everything that was piped in; absent when stdin is a terminal. */
  readonly input?: (() => Promise<string>) | undefined;
}

export interface Progress {
  /** Bytes and files so far; `total` once it is known. Cheap to call often. */
  update(done: number, total: number | undefined): void;
  /** Clears the line. Idempotent. */
  stop(): void;
}

export interface InitialisedRepository {
  /** Absolute path of the work tree. */
  root: string;
  created: boolean;
  /** Paths below the Git root that were written. */
  written: readonly string[];
}

export interface ForeignRequest {
  /** Address of a Git repository, or the absolute path of one on this machine. */
  url: string;
  /** Branch, tag or commit; default what HEAD of that repository is. */
  revision?: string | undefined;
  /** The version that is asked for: documents of other models are not fetched. */
  reference: string;
}

export interface ForeignRepository {
  repository: Repository;
  /** Full id of the commit that was read. */
  commit: string;
  /** Removes what was fetched; never fails. */
  close(): Promise<void>;
}

/** Everything a command may touch besides its input. Built once, in `createContext`; tests build their own. */
export interface Context {
  /** Directory the command acts in: the process's, or `-C <dir>`. Absolute. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly io: Io;
  readonly quiet: boolean;
  /** stdout holds one JSON document and nothing else. */
  readonly json: boolean;
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
  now(): Date;
  /**
   * The repository around `cwd`, opened once.
   * @throws UsageError `NOT_A_REPOSITORY`, `FORMAT_UNSUPPORTED`
   */
  repository(): Promise<Repository>;
  /** The repository of the run that this process is part of, wherever it runs: `MLOPS_REPOSITORY`; else as `repository`. */
  runRepository(): Promise<Repository>;
  /**
   * Creates `.mlops` at the Git root around `cwd`, or finds it complete.
   * @throws UsageError `NOT_A_GIT_REPOSITORY`
   */
  initialise(): Promise<InitialisedRepository>;
  /**
   * One commit of another Git repository, without cloning it.
   * @throws UsageError `GIT_URL_INVALID`, `REVISION_NOT_FOUND`, `NOT_A_REPOSITORY`; RemoteError `GIT_FETCH_FAILED`
   */
  foreign(request: ForeignRequest): Promise<ForeignRepository>;
  /**
   * Makes what a remote needs before its first use: the directory of a share.
   * @throws UsageError `REMOTE_URL_INVALID`; RemoteError
   */
  prepareRemote(settings: RemoteConfig): Promise<void>;
  /** Git in `cwd`, for commands that work before there is a repository. */
  git(): Promise<Git>;
  /** The files that make Git run this program, around `cwd`. */
  gitHooks(): Promise<GitHooks>;
  /** Files that the person asked for by name, in or outside of a repository. */
  outputFiles(): Promise<OutputFiles>;
  /** Reads data files: CSV, JSON lines, Parquet. */
  tables(): Promise<TableReader>;
  /** Runs a program with the streams of this one. */
  readonly execute: Execute;
  /**
   * What lets a program log to a run without knowing this one, for as long as it runs; undefined where there is nothing of the kind.
   * `mlops run` adds its variables to the environment of the program and closes it afterwards.
   */
  trackingEndpoint(run: Run): Promise<TrackingEndpoint | undefined>;
  /** MLflow's REST protocol over the repository, until it is closed. @throws LocalIoError `LISTEN_FAILED` */
  trackingServer(request: Omit<TrackingServerOptions, 'tracking'>): Promise<TrackingServer>;
  /** A bar on stderr that appears after a second on a terminal, and nothing elsewhere. */
  progress(label: string, unit: 'bytes' | 'items'): Progress;
  warn(message: string): void;
  /**
   * Asks a yes-or-no question; only "y" and "yes" are a yes. Undefined when nobody can be asked: no terminal, CI, `--json`
   * or `--quiet`.
   */
  confirm(question: string): Promise<boolean | undefined>;
}

export interface ContextOptions {
  io: Io;
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
  signal: AbortSignal;
  now(): Date;
  json: boolean;
  quiet: boolean;
  /** Git started this command as a hook, so what it put into the environment counts. */
  insideHook: boolean;
  /** How hooks start this program: absolute paths, or empty to look for it on PATH. */
  program: ProgramPaths;
}

/** What a hook has to start to run this program again. */
export interface ProgramPaths {
  node: string;
  script: string;
}

type CommonParts = Pick<
  RepositoryParts,
  'createRemote' | 'bundles' | 'now' | 'actorOverride' | 'user' | 'host' | 'tool' | 'environment' | 'confirm'
>;

interface ContextParts extends ContextOptions, Pick<Context, 'warn' | 'confirm'> {}

/** The composition root: the only place that picks implementations. Whatever is heavy is imported when it is first used. */
export function createContext(options: ContextOptions): Context {
  const { io, cwd, env, signal, json, quiet } = options;
  const warn = (message: string): void => {
    if (json) io.err(`${JSON.stringify({ warning: { message } })}\n`);
    else io.err(`${painter(io.errColor).yellow('warning:')} ${printable(message)}\n`);
  };
  const confirm: Context['confirm'] = async (question) => {
    const { ask } = io;
    if (ask === undefined || !io.errIsTTY || json || quiet || (env['CI'] ?? '') !== '') return undefined;
    return /^\s*y(es)?\s*$/i.test(await ask(`${printable(question)} [y/N] `, signal));
  };
  const parts: ContextParts = { ...options, warn, confirm };
  const repository = once(() => openRepositoryAround(parts));
  return {
    cwd,
    env,
    io,
    quiet,
    json,
    signal,
    now: () => options.now(),
    repository,
    runRepository: once(() => {
      const directory = env['MLOPS_REPOSITORY'] ?? '';
      return directory === ''
        ? repository()
        : openRepositoryAround({ ...parts, cwd: resolve(cwd, directory) });
    }),
    initialise: () => initialiseAround(parts),
    prepareRemote: async (settings) => {
      const { prepareRemote } = await import('../storage/open-remote.ts');
      await prepareRemote(await remotePlace(settings, { trusted: true, warn: () => undefined }));
    },
    foreign: async (request) => {
      const { openForeign } = await import('./open-foreign.ts');
      return openForeign(request, parts, { ...commonParts(parts), git: once(() => openGit(parts)) });
    },
    git: once(() => openGit(parts)),
    gitHooks: once(async () => {
      const [{ createGitHooks }, { createRunGit }] = await Promise.all([
        import('../git/hook-files.ts'),
        import('../git/run-git.ts'),
      ]);
      return createGitHooks(createRunGit({ directory: cwd, env, insideHook: false }), options.program);
    }),
    outputFiles: once(async () => (await import('../storage/local/output-files.ts')).createOutputFiles()),
    tables: once(async () => (await import('../storage/tables/reader.ts')).createTableReader()),
    execute: async (request) => (await import('./execute.ts')).execute(request, io),
    trackingEndpoint: async (run) => {
      const { startRunEndpoint } = await import('../server/run-endpoint.ts');
      return startRunEndpoint({ repository: await repository(), run, warn });
    },
    trackingServer: async (request) => {
      const { startOwnServer } = await import('../server/own-server.ts');
      return startOwnServer({ ...request, repository: await repository(), warn });
    },
    progress: (label, unit) => {
      const enabled = io.errIsTTY && !quiet && !json;
      return createProgress({ label, unit, enabled, write: io.err, elapsed: () => performance.now() });
    },
    warn,
    confirm,
  };
}

export interface ProcessHost {
  io: ProcessIo;
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
  signal: AbortSignal;
  now(): Date;
  program: ProgramPaths;
}

/** What `main` needs of this process. */
export function processHost(signal: AbortSignal): { host: ProcessHost; argv: readonly string[] } {
  const { stdout, stderr, env } = process;
  const io = createProcessIo({ openStdin: () => process.stdin, stdout, stderr, env });
  return {
    host: {
      io,
      // Asked for where an error can be reported.
      get cwd() {
        return currentDirectory();
      },
      env,
      signal,
      now: () => new Date(),
      program: programPaths(),
    },
    argv: process.argv.slice(2),
  };
}

function currentDirectory(): string {
  try {
    return process.cwd();
  } catch (cause) {
    throw new UsageError('DIRECTORY_MISSING', 'the directory that this was started in is gone', {
      cause,
      hint: 'change to another directory, and back if it was made again',
    });
  }
}

/** Links are followed, since the one in `node_modules/.bin` may go when the package stays. */
function programPaths(): ProgramPaths {
  const [, script] = process.argv;
  if (script === undefined) return { node: '', script: '' };
  const slashes = (path: string): string =>
    process.platform === 'win32' ? path.replaceAll('\\', '/') : path;
  return { node: slashes(process.execPath), script: slashes(realpathSync(script)) };
}

async function openRepositoryAround(options: ContextParts): Promise<Repository> {
  const { createLocalDocumentStore, findRepositoryRoot, loadConfig, openRepository } =
    await import('./open-local.ts');
  const { env, warn, insideHook } = options;
  const root = findRepositoryRoot(options.cwd);
  const mlopsDir = join(root, MLOPS_DIRECTORY);
  return openRepository({
    root,
    documents: createLocalDocumentStore(mlopsDir, { warn }),
    workTree: createLocalDocumentStore(root, { warn }),
    ...commonParts(options),
    loadConfig: (files) => loadConfig({ ...files, env }),
    createLock: ({ lock }) =>
      lazyLock(async () => {
        const { createLocalCommitLock } = await import('../storage/local/commit-lock.ts');
        return createLocalCommitLock({ mlopsDir, timeoutMs: lock.timeoutSeconds * 1000, now: options.now });
      }),
    artifacts: once(async () => {
      const { createLocalArtifactStore } = await import('../storage/local/artifact-store.ts');
      return createLocalArtifactStore({ mlopsDir, root, warn });
    }),
    runFiles: once(async () => {
      const { LocalRunFiles } = await import('../storage/local/run-files.ts');
      return new LocalRunFiles(mlopsDir);
    }),
    git: once(async () =>
      (await import('../git/simple-git-adapter.ts')).createGit({ directory: root, env, insideHook }),
    ),
  });
}

/** What a repository needs wherever its documents are. */
function commonParts(options: ContextParts): CommonParts {
  const { env, warn } = options;
  return {
    createRemote: async (settings, { trusted, transfer }) => {
      const { openRemoteStore } = await import('../storage/open-remote.ts');
      return openRemoteStore(await remotePlace(settings, { trusted, warn }), {
        ...transfer,
        signal: options.signal,
        warn,
      });
    },
    bundles: once(async () => (await import('../storage/local/tar-bundle.ts')).createTarBundles()),
    now: options.now,
    actorOverride: env['MLOPS_ACTOR'],
    user: userName(),
    host: hostname(),
    tool: `mlops/${VERSION}`,
    confirm: options.confirm,
    environment: { node: process.version, platform: process.platform, arch: process.arch },
  };
}

/** What the settings of a remote mean; they come from a file that anybody may have written. */
async function remotePlace(
  settings: RemoteConfig,
  { trusted, warn }: { trusted: boolean; warn(message: string): void },
): Promise<RemotePlace> {
  const { assertAddressAllowed, parseRemote } = await import('../config/remote-url.ts');
  const remote = parseRemote(settings);
  if (remote.kind === 'directory') return remote;
  assertAddressAllowed(remote, trusted);
  if (remote.endpoint?.readableOnTheWay === true) {
    warn(`${remote.endpoint.host} is spoken to without TLS: whoever is on the way can read what is sent`);
  }
  return { ...remote, endpoint: remote.endpoint?.url, linkLocalAllowed: trusted };
}

/** Readers never ask for the lock, so they do not load it either. */
function lazyLock(load: () => Promise<CommitLock>): CommitLock {
  const lock = once(load);
  return {
    acquire: async (command) => (await lock()).acquire(command),
    inspect: async () => (await lock()).inspect(),
    breakLock: async () => (await lock()).breakLock(),
  };
}

async function openGit({ cwd, env, insideHook }: ContextParts): Promise<Git> {
  return (await import('../git/simple-git-adapter.ts')).createGit({ directory: cwd, env, insideHook });
}

/** Creates the repository at the Git root around `cwd` and adds its files to Git's index. */
async function initialiseAround(options: ContextParts): Promise<InitialisedRepository> {
  const [{ initialise }, { createLocalDocumentStore }] = await Promise.all([
    import('../core/repository/init.ts'),
    import('./open-local.ts'),
  ]);
  const git = await openGit(options);
  const root = await git.findRoot(options.cwd);
  if (root === undefined) {
    throw new UsageError('NOT_A_GIT_REPOSITORY', `${options.cwd} is in no Git work tree`, {
      hint: 'create one: git init',
    });
  }
  const { created, written } = await initialise(
    createLocalDocumentStore(join(root, MLOPS_DIRECTORY), { warn: options.warn }),
  );
  return { root, created, written };
}

/** A process may run under a user id that no account has. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'unknown';
  }
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
