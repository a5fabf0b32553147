import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startMlops, type Finished, type RunOptions } from './binary.ts';

/**
 * Faults in the system calls of the real program. `strace` counts calls for each thread by itself, so a run is held at its
 * very start, one of its two threads of interest is traced alone, and only then let go: the main thread, which makes the
 * synchronous calls, or the one thread of libuv's pool (`UV_THREADPOOL_SIZE=1`), which makes the asynchronous ones.
 */
export type Thread = 'main' | 'pool';
export type Errno = 'ENOSPC' | 'EIO' | 'EACCES' | 'EMFILE' | 'EINVAL' | 'EXDEV' | 'EPERM' | 'EBUSY' | 'EROFS';
/** `poke`: bytes in hexadecimal that take the place of the first ones a read returned. */
export type Fault =
  | { signal: 'SIGKILL' | 'SIGINT' | 'SIGSTOP' }
  | { error: Errno }
  | { retval: number }
  | { poke: string };

/** One system call as strace logged it. */
export interface Call {
  name: string;
  /** Counts the calls of this name on its thread, from 1; what `when=` means. */
  index: number;
  /** First path it names: of an argument, else of its file descriptor. */
  path: string | undefined;
  /** Every path it names. */
  paths: readonly string[];
  /** Whatever stands between the parentheses. */
  args: string;
  result: string;
  injected: boolean;
}

/** Calls that change something on a disk. Names that an architecture lacks are marked with `?` for strace. */
const WRITE_CLASS = (
  'openat write pwrite64 fsync fdatasync ftruncate fchmod linkat mkdirat unlinkat renameat renameat2 ' +
  '?open ?creat ?link ?mkdir ?unlink ?rmdir ?rename ?chmod'
).split(' ');

/** Why system calls can't be watched here, or undefined when they can. */
export function straceProblem(): string | undefined {
  if (process.platform !== 'linux') return 'strace is a Linux program';
  const tried = spawnSync('strace', ['-qq', '-e', 'trace=none', 'true'], { encoding: 'utf8' });
  if (tried.error !== undefined) return 'strace is not installed';
  return tried.status === 0
    ? undefined
    : `ptrace is refused here: ${tried.stderr.trim().split('\n')[0] ?? ''}`;
}

export interface TraceOptions extends RunOptions {
  thread: Thread;
  /** A directory for the log and the gate, outside the repository. */
  scratch: string;
  /** Default: every call that changes something. */
  trace?: readonly string[];
  /** What to inject into which call; `when` as strace has it: `3`, `2+`, `1+2`. */
  inject?: { call: string; when: string; fault: Fault };
  /** Called when the program is about to start. */
  onStart?: (pid: number) => void;
}

export interface Traced extends Finished {
  calls: readonly Call[];
}

/** Runs the real program with one of its threads under strace. */
export async function traceMlops(argv: readonly string[], options: TraceOptions): Promise<Traced> {
  const { scratch, thread, inject, trace = WRITE_CLASS } = options;
  const directory = await mkdtemp(join(scratch, 'trace-'));
  const gate = join(directory, 'gate');
  const log = join(directory, 'log');
  const running = startMlops(argv, {
    ...options,
    env: { ...options.env, FAULT_GATE: gate, UV_THREADPOOL_SIZE: '1' },
    nodeOptions: [...(options.nodeOptions ?? []), '--import', join(import.meta.dirname, 'hold.mjs')],
  });
  await until(() => existsSync(`${gate}.ready`), 'the program is held');
  const tid = threadId(running.pid, thread);
  const injection =
    inject === undefined
      ? []
      : ['-e', `inject=${inject.call}:${faultText(inject.fault)}:when=${inject.when}`];
  const tracer = spawn(
    'strace',
    ['-qq', '-y', '-p', String(tid), '-o', log, '-e', `trace=${trace.join(',')}`, ...injection],
    {
      stdio: 'ignore',
    },
  );
  const traced = new Promise<void>((done) => void tracer.on('close', () => done()));
  await until(() => tracerOf(tid) !== 0 || tracer.exitCode !== null, 'the tracer is attached');
  options.onStart?.(running.pid);
  await writeFile(`${gate}.go`, '');
  const finished = await running.finished;
  await traced;
  const calls = parseLog(readFileSync(log, 'utf8'));
  await rm(directory, { recursive: true });
  return { ...finished, calls };
}

/** Runs the real program under strace as a whole, its threads and children too; calls come in the order they ended. */
export async function traceEverything(
  argv: readonly string[],
  options: RunOptions & { scratch: string },
): Promise<Traced> {
  const directory = await mkdtemp(join(options.scratch, 'trace-'));
  const log = join(directory, 'log');
  const through = ['strace', '-f', '-qq', '-y', '-o', log, '-e', `trace=${WRITE_CLASS.join(',')}`];
  const finished = await startMlops(argv, { ...options, through }).finished;
  const calls = parseLog(joinResumed(readFileSync(log, 'utf8')));
  await rm(directory, { recursive: true });
  return { ...finished, calls };
}

/** `12 fsync(3 <unfinished ...>` and, later, `12 <... fsync resumed>) = 0` become one line where the call ended. */
function joinResumed(text: string): string {
  const begun = new Map<string, string>();
  const lines: string[] = [];
  for (const line of text.split('\n')) {
    const [, thread = '', rest = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? [];
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest);
    if (rest.endsWith('<unfinished ...>'))
      begun.set(thread, rest.slice(0, -'<unfinished ...>'.length).trimEnd());
    else lines.push(resumed === null ? rest : `${begun.get(thread) ?? ''}${resumed[1] ?? ''}`);
  }
  return lines.join('\n');
}

function faultText(fault: Fault): string {
  if ('signal' in fault) return `signal=${fault.signal}`;
  if ('error' in fault) return `error=${fault.error}`;
  if ('poke' in fault) return `poke_exit=@arg2=${fault.poke}`;
  return `retval=${fault.retval}`;
}

/** With one thread in the pool, the thread that was started last is that one. */
function threadId(pid: number, thread: Thread): number {
  if (thread === 'main') return pid;
  return Math.max(...readdirSync(`/proc/${pid}/task`).map(Number));
}

function tracerOf(tid: number): number {
  try {
    return Number(/^TracerPid:\s*(\d+)/m.exec(readFileSync(`/proc/${tid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** Polls; fails when it takes longer than a busy machine can explain. */
export async function until(condition: () => boolean, what: string, timeoutMs = 30_000): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited ${timeoutMs} ms in vain until ${what}`);
    await delay(2);
  }
}

const LINE = /^(?<name>\w+)\((?<args>.*)\)\s+= (?<result>.*)$/;

/** Lines of one thread: `write(19</path>, "..."..., 10) = 10`. A call that never came back ends in `= ?` or is cut off. */
export function parseLog(text: string): Call[] {
  const counts = new Map<string, number>();
  const calls: Call[] = [];
  for (const line of text.split('\n')) {
    const groups = LINE.exec(line)?.groups ?? /^(?<name>\w+)\((?<args>.*)$/.exec(line)?.groups;
    if (groups === undefined) continue;
    const { name = '', args = '', result = '?' } = groups;
    const index = (counts.get(name) ?? 0) + 1;
    counts.set(name, index);
    const paths = pathsIn(args);
    calls.push({ name, index, path: paths[0], paths, args, result, injected: result.includes('(INJECTED') });
  }
  return calls;
}

/** Arguments first, descriptors last; `AT_FDCWD</dir>` names where relative paths start, which we never use. */
function pathsIn(args: string): string[] {
  const quoted = [...args.matchAll(/"(\/[^"]*)"/g)].map((match) => match[1] ?? '');
  const descriptors = [...args.matchAll(/(?:^|\s)\d+<(\/[^>]*)>/g)].map((match) => match[1] ?? '');
  return [...quoted, ...descriptors];
}

/** Whether a call writes: opening to read does not. */
export function isWrite({ name, args }: Call): boolean {
  return !name.startsWith('open') || /O_CREAT|O_WRONLY|O_RDWR/.test(args);
}
