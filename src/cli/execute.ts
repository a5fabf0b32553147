import { spawn, type ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import { StringDecoder } from 'node:string_decoder';
import type { Readable } from 'node:stream';
import type { Executed, ExecuteRequest } from '../core/runs/execute.ts';
import { errnoOf } from '../errors.ts';
import type { Io } from './context.ts';

/** What a person or a supervisor sends to end a program, or to tell it something. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGCONT'] as const;
type Passed = (typeof SIGNALS)[number];
/** A terminal sends these to everything that runs in it, so the program has them already. */
const OF_TERMINAL: ReadonlySet<Passed> = new Set(['SIGINT', 'SIGQUIT']);
/** Sent to end a program. */
const ENDING: ReadonlySet<Passed> = new Set(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']);
/** How long the output is read after the program ended: what it started in the background may hold it open for ever. */
const LAST_OUTPUT_MS = 2000;

const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;
const SIGNAL_BASE = 128;

/** See {@link Execute}. */
export async function execute(request: ExecuteRequest, io: Io): Promise<Executed> {
  const passing = new SignalPassing();
  try {
    const { child, problem } = start(request);
    if (child === undefined) return { ...unstarted(problem), release: () => passing.stop() };
    passing.child = child;
    const output = [relay(child.stdout, 'stdout', request, io), relay(child.stderr, 'stderr', request, io)];
    const ended = await end(child, request);
    await Promise.race([Promise.all(output), delay(LAST_OUTPUT_MS)]);
    child.stdout?.destroy();
    child.stderr?.destroy();
    passing.child = undefined;
    return { ...ended, interrupted: passing.interrupted, release: () => passing.stop() };
  } catch (error) {
    passing.stop();
    throw error;
  }
}

function start({ command, cwd, env, capture }: ExecuteRequest): { child?: ChildProcess; problem?: unknown } {
  const [program, ...words] = command;
  try {
    const options = { cwd, env: { ...env } };
    const child = capture
      ? spawn(program, words, { ...options, stdio: ['inherit', 'pipe', 'pipe'] })
      : spawn(program, words, { ...options, stdio: 'inherit' });
    return { child };
  } catch (problem) {
    return { problem };
  }
}

type Ended = Omit<Executed, 'release'>;

function end(child: ChildProcess, { onStart }: ExecuteRequest): Promise<Ended> {
  return new Promise((resolve) => {
    child.once('spawn', () => onStart(child.pid ?? 0));
    child.once('error', (error) => resolve(unstarted(error)));
    child.once('exit', (code, signal) => {
      const number = signal === null ? 0 : constants.signals[signal];
      resolve({
        exitCode: code ?? SIGNAL_BASE + number,
        signal: signal ?? undefined,
        problem: undefined,
        interrupted: false,
      });
    });
  });
}

function unstarted(error: unknown): Ended {
  const errno = errnoOf(error) ?? 'unknown error';
  const isMissing = errno === 'ENOENT';
  return {
    exitCode: isMissing ? NOT_FOUND : NOT_EXECUTABLE,
    signal: undefined,
    problem: isMissing ? 'there is no such program' : `it can't be started (${errno})`,
    interrupted: false,
  };
}

/** Gives what a program prints to a stream of this process, no faster than that takes it. */
async function relay(
  source: Readable | null,
  stream: 'stdout' | 'stderr',
  { onOutput, stdoutTo }: ExecuteRequest,
  io: Io,
): Promise<void> {
  if (source === null) return;
  const target = stream === 'stdout' ? stdoutTo : 'stderr';
  const write = writerOf(target, io);
  try {
    for await (const bytes of source as AsyncIterable<Buffer>) {
      onOutput(stream, bytes);
      await write(bytes);
    }
  } catch {
    // Whoever read this process's output has left: the program is to notice, as it would without this one in between.
    source.destroy();
  }
}

function writerOf(target: 'stdout' | 'stderr', io: Io): (bytes: Uint8Array) => Promise<void> {
  const { writeBytes } = io;
  if (writeBytes !== undefined) return (bytes) => writeBytes(target, bytes);
  // Characters may be cut by the pieces in which they come.
  const decoder = new StringDecoder('utf8');
  return async (bytes) => {
    const text = decoder.write(Buffer.from(bytes));
    if (target === 'stdout') io.out(text);
    else io.err(text);
    return Promise.resolve();
  };
}

function delay(milliseconds: number): Promise<void> {
  return new Promise((done) => setTimeout(done, milliseconds).unref());
}

/** Hands signals on to the program for as long as it runs; the first one after its end ends the waiting for more. */
class SignalPassing {
  child: ChildProcess | undefined;
  interrupted = false;
  readonly #listeners = new Map<Passed, () => void>();

  constructor() {
    for (const name of SIGNALS) {
      if (process.platform === 'win32' && name !== 'SIGINT' && name !== 'SIGTERM') continue;
      const listener = (): void => this.#pass(name);
      this.#listeners.set(name, listener);
      process.on(name, listener);
    }
  }

  stop(): void {
    for (const [name, listener] of this.#listeners) process.removeListener(name, listener);
    this.#listeners.clear();
  }

  #pass(name: Passed): void {
    if (ENDING.has(name)) this.interrupted = true;
    const { child } = this;
    if (child === undefined) {
      if (ENDING.has(name)) this.stop();
      return;
    }
    if (OF_TERMINAL.has(name) && process.stdin.isTTY) return;
    child.kill(name);
  }
}
