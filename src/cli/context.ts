import type { Git } from '../git/git.ts';
import type { Repository } from '../core/repository/repository.ts';

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
