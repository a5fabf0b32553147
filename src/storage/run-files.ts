/** One directory below `.mlops/runs`. Both parts are checked by the implementation: `2026-11`, and 32 hex digits with or without `m-`. */
export interface RunPlace {
  readonly month: string;
  readonly name: string;
}

/** How a file stands. */
export interface RunFileState {
  /** Bytes. */
  readonly size: number;
  /** Changes when another file takes its place; together with the times also when it is written over. */
  readonly inode: number;
  readonly modifiedMs: number;
  readonly changedMs: number;
}

/** A process that answers for a run, so that others can find out that it is gone. */
export interface WriterProcess {
  readonly host: string;
  /** Empty where the platform has no such thing. */
  readonly bootId: string;
  readonly pid: number;
  /** Tells the process from a later one of the same id. */
  readonly processStart: string;
}

export interface StagedRuns {
  /** Absolute. */
  readonly path: string;
  /** Removes the copies; never fails. */
  remove(): Promise<void>;
}

/**
 * The files of runs. Calls are synchronous: each is a few system calls on small files, made thousands of times in a row, and an append
 * of a server must be in the file before the next request is looked at.
 *
 * File names are `run.json`, `model.json`, `log.jsonl`, `metrics.jsonl` and those of captured output. Everything here refuses to pass a symbolic
 * link (RefusedError `UNSAFE_PATH`) and throws LocalIoError for what the system says.
 */
export interface RunFiles {
  /** Sees to it that Git does not show what lies here. */
  prepare(): Promise<void>;
  /** Names of the months, sorted. */
  months(): readonly string[];
  /** Names of the directories of a month, in any order. */
  names(month: string): readonly string[];
  /** Changes when a directory appears in a month or goes from it; undefined when there is no such month. */
  monthState(month: string): string | undefined;
  /** Where the directory of this name is, whatever the month. */
  find(name: string): RunPlace | undefined;
  /**
   * Makes a directory with these files; it appears with all of them or not at all.
   * @param options.durable also after a power loss
   * @returns false when the name is taken in that month
   */
  create(
    place: RunPlace,
    files: ReadonlyMap<string, Uint8Array>,
    options: { durable: boolean },
  ): Promise<boolean>;
  /** Undefined when there is no such file. */
  state(place: RunPlace, file: string): RunFileState | undefined;
  /** The bytes from `offset` on, at most `length` of them (default: all); undefined when there is no such file. */
  read(place: RunPlace, file: string, range?: { offset: number; length?: number }): Uint8Array | undefined;
  /**
   * Adds whole lines with one write, behind a line break where the file does not end in one. Other processes may do the same. What
   * could not be written whole is taken back, as far as nobody added more in between.
   * @throws LocalIoError `DISK_FULL`, `IO_FAILED`
   */
  append(place: RunPlace, file: string, lines: Uint8Array): void;
  /** Adds bytes to captured output. @throws LocalIoError */
  appendBytes(place: RunPlace, file: string, bytes: Uint8Array): void;
  /** Replaces or creates a file, so that readers see the old bytes or the new ones. @param options.durable also after a power loss */
  replace(place: RunPlace, file: string, bytes: Uint8Array, options: { durable: boolean }): Promise<void>;
  /** Makes durable what was appended. */
  sync(place: RunPlace, file: string): Promise<void>;
  /** Names of the files of a directory, sorted; none when it is not there. */
  files(place: RunPlace): readonly string[];
  /** Removes a file; false when there was none. */
  removeFile(place: RunPlace, file: string): boolean;
  /** Removes a directory with all its files; it disappears at once. False when there was none. */
  remove(place: RunPlace): Promise<boolean>;
  /** Absolute path of the directory, for what reads it as a whole. */
  path(place: RunPlace): string;
  /**
   * Copies files into a new directory, as `<month>/<name>/<file>`, so that they can be stored as one artifact while others append to
   * them; what is not there is left out. @returns the absolute path of the directory
   */
  stage(wanted: readonly { place: RunPlace; files: readonly string[] }[]): Promise<StagedRuns>;
  /** This process. */
  self(): WriterProcess;
  /** True only with proof: it was of this host, and it, or the system that it ran on, has ended. */
  hasEnded(writer: WriterProcess): boolean;
  /** Closes open files; they are opened again when needed. */
  close(): void;
}
