import { UsageError } from '../errors.ts';
import type { Git } from '../git/git.ts';
import type { Repository } from '../core/repository/repository.ts';
import { createProcessIo, type ProcessIo } from './process-io.ts';
import { createProgress } from '../ui/progress.ts';
import { painter } from '../ui/colour.ts';
import { printable } from '../lib/terminal-text.ts';

/** The streams and what is known of them. Nothing else in `src` touches `process.stdout` or `process.stderr`. */
export interface Io {
  out(text: string): void;
  err(text: string): void;
  outIsTTY: boolean;
  errIsTTY: boolean;
  /** Whether colour was asked for on each stream, after NO_COLOR, FORCE_COLOR, --no-color and TTY detection. */
  outColor: boolean;
  errColor: boolean;
  /** Width of the terminal; Infinity when stdout is none. */
  columns: number;
}

export interface Progress {
  /** Bytes and files so far; `total` once it is known. Cheap to call often. */
  update(done: number, total: number | undefined): void;
  /** Clears the line. Idempotent. */
  stop(): void;
}

/** Everything a command may touch besides its input. Built once, in `createContext`; tests build their own. */
export interface Context {
  /** Directory the command acts in: the process's, or `-C <dir>`. Absolute. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly io: Io;
  readonly quiet: boolean;
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
  now(): Date;
  /**
   * The repository around `cwd`, opened once.
   * @throws UsageError `NOT_A_REPOSITORY`, `FORMAT_UNSUPPORTED`
   */
  repository(): Promise<Repository>;
  /** Git in `cwd`, for commands that work before there is a repository. */
  git(): Promise<Git>;
  /** A bar on stderr that appears after a second on a terminal, and nothing elsewhere. */
  progress(label: string, unit: 'bytes' | 'items'): Progress;
  warn(message: string): void;
}

export interface ContextOptions {
  io: Io;
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
  signal: AbortSignal;
  now(): Date;
  json: boolean;
  quiet: boolean;
  /** The command line, for the lock file. */
  command: string;
}

/** The composition root: the only place that picks implementations. Whatever is heavy is imported when it is first used. */
export function createContext(options: ContextOptions): Context {
  const { io, cwd, env, signal, json, quiet } = options;
  const repository = once(() => openRepositoryAround(options));
  const git = once(() => openGit(options));
  return {
    cwd,
    env,
    io,
    quiet,
    signal,
    now: () => options.now(),
    repository,
    git,
    progress: (label, unit) => {
      const enabled = io.errIsTTY && !quiet && !json;
      return createProgress({ label, unit, enabled, write: io.err, elapsed: () => performance.now() });
    },
    warn: (message) => {
      if (json) io.err(`${JSON.stringify({ warning: { message } })}\n`);
      else io.err(`${painter(io.errColor).yellow('warning:')} ${printable(message)}\n`);
    },
  };
}

export interface ProcessHost {
  io: ProcessIo;
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
  signal: AbortSignal;
  now(): Date;
}

/** What `main` needs of this process. */
export function processHost(signal: AbortSignal): { host: ProcessHost; argv: readonly string[] } {
  const { stdout, stderr, env } = process;
  const io = createProcessIo({ stdout, stderr, env });
  return {
    host: { io, cwd: process.cwd(), env, signal, now: () => new Date() },
    argv: process.argv.slice(2),
  };
}

function openRepositoryAround({ cwd }: ContextOptions): Promise<Repository> {
  return Promise.reject(new UsageError('NOT_A_REPOSITORY', `${cwd}: no adapter opens repositories yet`));
}

function openGit({ cwd }: ContextOptions): Promise<Git> {
  return Promise.reject(new UsageError('GIT_MISSING', `${cwd}: no adapter for Git yet`));
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
