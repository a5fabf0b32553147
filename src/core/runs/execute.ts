/** How to start a program. */
export interface ExecuteRequest {
  command: readonly [program: string, ...words: string[]];
  /** Absolute. */
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
  /**
   * `true`: its output comes through this process, to the same streams and to `onOutput`. `false`: it has the streams of this process for
   * itself, as programs want that draw on a terminal.
   */
  capture: boolean;
  /** Where its stdout goes; `stderr` where this process prints a document of its own to stdout. */
  stdoutTo: 'stdout' | 'stderr';
  /** Not called without `capture`. What it throws is not seen by the program. */
  onOutput(stream: 'stdout' | 'stderr', bytes: Uint8Array): void;
  onStart(pid: number): void;
}

/** How a program ended. */
export interface Executed {
  /** As a shell has it: 128 and the number of the signal that ended it; 127 when there is no such program, 126 when it can't be run. */
  exitCode: number;
  /** Name of the signal that ended it. */
  signal: string | undefined;
  /** Why it was not started. */
  problem: string | undefined;
  /** This process was sent a signal that asks for an end. */
  interrupted: boolean;
  /** Lets signals do again what they do; until then the first one after the end of the program is waited for. */
  release(): void;
}

/**
 * Runs a program to its end. Signals that this process gets are passed on, and end only the program; those of a terminal reach it anyway.
 */
export type Execute = (request: ExecuteRequest) => Promise<Executed>;
