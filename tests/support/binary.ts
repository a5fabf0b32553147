import { spawn, type ChildProcess } from 'node:child_process';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');

/** The program as it is installed: it needs `npm run build` first, which `npm test` does. */
export const BIN = join(ROOT, 'bin/mlops.js');

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Finished {
  /** Null when a signal ended the process. */
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  cwd: string;
  env: Environment;
  /** A program and its arguments that start the command, such as `prlimit`; default: nothing in between. */
  through?: readonly string[];
  nodeOptions?: readonly string[];
  /** After this many milliseconds the process is killed and the run fails; default 60,000. */
  timeout?: number;
}

export interface Running {
  pid: number;
  child: ChildProcess;
  /** What arrived on both streams so far. */
  output(): { stdout: string; stderr: string };
  finished: Promise<Finished>;
}

/** Starts the real program; the caller waits for `finished`. */
export function startMlops(argv: readonly string[], options: RunOptions): Running {
  const { nodeOptions = [], through = [] } = options;
  return startProcess([...through, process.execPath, ...nodeOptions, BIN, ...argv], options);
}

export function startProcess(
  [program = '', ...args]: readonly string[],
  options: Omit<RunOptions, 'through' | 'nodeOptions'>,
): Running {
  const { cwd, env, timeout = 60_000 } = options;
  const child = spawn(program, args, { cwd, env: { ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const finished = new Promise<Finished>((done, fail) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      fail(new Error(`${[program, ...args].join(' ')} did not end within ${timeout} ms\n${stderr}`));
    }, timeout);
    child.on('error', (error) => {
      clearTimeout(timer);
      fail(error);
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      done({ code, signal, stdout, stderr });
    });
  });
  return { pid: child.pid ?? 0, child, output: () => ({ stdout, stderr }), finished };
}

/** Runs the real program to its end. */
export function mlops(argv: readonly string[], options: RunOptions): Promise<Finished> {
  return startMlops(argv, options).finished;
}

/** As {@link mlops}, and fails when the command does. */
export async function mustRun(argv: readonly string[], options: RunOptions): Promise<Finished> {
  const result = await mlops(argv, options);
  if (result.code !== 0)
    throw new Error(`mlops ${argv.join(' ')}: exit ${result.code ?? result.signal}\n${result.stderr}`);
  return result;
}

/** The error that `--json` prints as one line on stderr. */
export function errorOf({ stderr }: Finished): {
  code: string;
  message: string;
  hint: string | null;
  exitCode: number;
} {
  const line = stderr.split('\n').findLast((each) => each.startsWith('{"error"'));
  if (line === undefined) throw new Error(`no error document in: ${stderr}`);
  return (JSON.parse(line) as { error: ReturnType<typeof errorOf> }).error;
}
