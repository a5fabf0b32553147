import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { devNull } from 'node:os';
import { ConflictError, errnoOf, LocalIoError, type MlopsError, UsageError } from '../errors.ts';
import { printable } from '../lib/terminal-text.ts';
import { gitConfig, gitEnvironment, type Environment, type GitAccess } from './environment.ts';

const READ_LIMIT_MS = 300_000;
/** A commit runs the user's hooks, which may run a test suite, and may wait for a passphrase. */
const COMMIT_LIMIT_MS = 3_600_000;
const MAX_WORDS = 2000;

export interface GitPlace {
  /** Where git runs; any directory of the work tree. */
  directory: string;
  env: Environment;
  /** True when git started this process as a hook, so that GIT_DIR and GIT_INDEX_FILE mean something. */
  insideHook: boolean;
}

export interface GitRun {
  access?: GitAccess;
  /** Bytes for stdin. */
  input?: string;
  /** Exit codes that are an answer; default only 0. */
  answers?: readonly number[];
}

export interface GitResult {
  exitCode: number;
  stdout: string;
}

export type RunGit = (args: readonly string[], options?: GitRun) => Promise<GitResult>;

interface Failure {
  exitCode: number | undefined;
  errno: string | undefined;
  words: string;
  stdout: string;
}

/**
 * A function that runs one fixed git command per call. simple-git is loaded at the first call, since most commands of this
 * program never need it. Its guards stay on but for the five that forbid the hardening settings of `gitConfig` and
 * choosing Git's configuration file: simple-git asks for those to be allowed by name, whatever the value.
 */
export function createRunGit({ directory, env, insideHook }: GitPlace): RunGit {
  return async (args, { access = 'read', input, answers = [0] } = {}) => {
    const { simpleGit } = await import('simple-git');
    assertDescriptorsLeft();
    const childEnv = gitEnvironment(env, access, insideHook);
    let failure: Failure | undefined;
    const limit = access === 'commit' ? COMMIT_LIMIT_MS : READ_LIMIT_MS;
    const client = openClient(() =>
      simpleGit({
        baseDir: directory,
        config: gitConfig(access),
        allowEnvironment: Object.keys(childEnv).filter((name) => name.startsWith('GIT_')),
        unsafe: {
          allowUnsafeFsMonitor: true,
          allowUnsafeHooksPath: true,
          allowUnsafePager: true,
          allowUnsafeProtocolOverride: true,
          allowUnsafeConfigPaths: true,
          // Where the environment of the person who fetches names them.
          allowUnsafeSshCommand: access === 'fetch',
          allowUnsafeAskPass: access === 'fetch',
        },
        completion: { onClose: true, onExit: false },
        timeout: { block: limit },
        // By default simple-git takes a failure that prints nothing to stderr for a success.
        errors: (error, { exitCode, stdOut, stdErr }) => {
          if (exitCode === 0 && error === undefined) return undefined;
          failure = describeFailure(
            error,
            exitCode,
            Buffer.concat(stdOut).toString(),
            Buffer.concat(stdErr).toString(),
          );
          return new Error('git failed');
        },
        // As bytes: simple-git leaves stdin open for an empty text.
        ...(input === undefined ? {} : { input: () => Buffer.from(input) }),
      }),
    );
    try {
      return {
        exitCode: 0,
        stdout: await client
          .env(childEnv)
          .outputHandler(endAtOnce)
          .raw([...args]),
      };
    } catch (error) {
      const known = failure ?? describeFailure(error, undefined, '', '');
      if (known.exitCode !== undefined && answers.includes(known.exitCode)) {
        return { exitCode: known.exitCode, stdout: known.stdout };
      }
      throw gitError(args, known, error);
    }
  };
}

/**
 * simple-git gives a command that printed nothing 50 ms more, in case what it prints is late. The end of its stdout says
 * that nothing is, and any data, even none, that it need not wait.
 */
function endAtOnce(_command: string, stdout: NodeJS.ReadableStream): void {
  stdout.once('end', () => stdout.emit('data', Buffer.alloc(0)));
}

/** Three pipes and what starting a process takes, for the few gits that run side by side. */
const SPARE_DESCRIPTORS = 24;

/**
 * Without descriptors for its pipes a child process has no streams, and simple-git ends the whole program over that.
 *
 * @throws LocalIoError `IO_FAILED`
 */
function assertDescriptorsLeft(): void {
  const opened: number[] = [];
  try {
    while (opened.length < SPARE_DESCRIPTORS) opened.push(openSync(devNull, 'r'));
  } catch (cause) {
    const errno = errnoOf(cause);
    if (errno !== 'EMFILE' && errno !== 'ENFILE') return;
    throw new LocalIoError('IO_FAILED', `git can't be started: ${errno}: too many open files`, {
      hint: 'raise the limit of open files (`ulimit -n`)',
      cause,
    });
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
  }
}

function openClient<Client>(open: () => Client): Client {
  try {
    return open();
  } catch (cause) {
    throw new UsageError('DIRECTORY_MISSING', cause instanceof Error ? cause.message : String(cause), {
      cause,
    });
  }
}

/**
 * SHA-256 of what a git command prints, as `sha256:<64 hex>`. Streams the bytes: simple-git collects all output as one text,
 * which would change bytes that are not UTF-8 and can't hold a diff beyond half a gigabyte.
 */
export async function hashGitOutput(place: GitPlace, args: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  await streamGitOutput(place, args, { onBytes: (bytes) => hash.update(bytes) });
  return `sha256:${hash.digest('hex')}`;
}

export interface GitStream {
  /** Bytes for stdin; default none. */
  input?: string;
  /** Takes the output piece by piece. What it throws ends git and is thrown. */
  onBytes(bytes: Buffer): void;
}

/**
 * Runs a git command that reads only, whose input or output is more than simple-git can hold. No shell, and the same
 * environment and settings as everywhere.
 */
export async function streamGitOutput(
  place: GitPlace,
  args: readonly string[],
  { input, onBytes }: GitStream,
): Promise<void> {
  assertDescriptorsLeft();
  const settings = gitConfig('read').flatMap((setting) => ['-c', setting]);
  const child = spawn('git', [...settings, ...args], {
    cwd: place.directory,
    env: gitEnvironment(place.env, 'read', place.insideHook),
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: READ_LIMIT_MS,
  });
  let words = '';
  let refused: { error: unknown } | undefined;
  child.stdout.on('data', (chunk: Buffer) => {
    if (refused !== undefined) return;
    try {
      onBytes(chunk);
    } catch (error) {
      refused = { error };
      child.kill();
    }
  });
  child.stderr.on('data', (chunk: Buffer) => {
    if (words.length < MAX_WORDS) words += chunk.toString();
  });
  // A git that ends before it read everything says why on stderr and by its exit code.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const exitCode = await new Promise<number>((resolve, reject) => {
    child.on('error', (error) => reject(gitError(args, describeFailure(error, undefined, '', ''), error)));
    child.on('close', (code) => resolve(code ?? -1));
  });
  if (refused !== undefined) throw refused.error;
  if (exitCode !== 0) throw gitError(args, describeFailure(undefined, exitCode, '', words), undefined);
}

function describeFailure(
  error: unknown,
  exitCode: number | undefined,
  stdout: string,
  stderr: string,
): Failure {
  const text = error instanceof Error ? error.message : Buffer.isBuffer(error) ? error.toString() : '';
  const missing = errnoOf(error) ?? (/\bspawn \S+ ENOENT\b/.test(text + stderr) ? 'ENOENT' : undefined);
  const words = [stderr, stdout, text]
    .map((candidate) => candidate.trim())
    .find((candidate) => candidate !== '');
  return {
    exitCode: missing === undefined ? exitCode : undefined,
    errno: missing,
    words: words ?? '',
    stdout,
  };
}

function gitError(args: readonly string[], failure: Failure, cause: unknown): MlopsError {
  if (failure.errno === 'ENOENT') {
    return new UsageError('GIT_MISSING', 'the program git was not found', {
      hint: 'install Git, or add its directory to PATH',
      cause,
    });
  }
  const command = `git ${args[0] ?? ''}`;
  const lines = failure.words.slice(0, MAX_WORDS).split('\n');
  const words = lines.map((line) => printable(line.trim())).filter((line) => line !== '');
  const message = `${command} failed: ${words.join('; ') || `exit code ${failure.exitCode ?? 'unknown'}`}`;
  // Git names the lock it could not write, so this has to be looked at first.
  if (/no space left on device|out of diskspace|disk quota exceeded/i.test(failure.words)) {
    return new LocalIoError('DISK_FULL', message, {
      hint: 'free some space and run the same command again',
      cause,
    });
  }
  if (/index\.lock|cannot lock ref/i.test(failure.words)) {
    return new ConflictError('GIT_LOCKED', message, {
      hint: 'wait for the other git command and try again',
      cause,
    });
  }
  return new UsageError('GIT_FAILED', message, { hint: hintFor(failure.words), cause });
}

function hintFor(words: string): string {
  if (/tell me who you are|empty ident name/i.test(words)) {
    return 'set your name with `git config user.name` and `git config user.email`';
  }
  if (/dubious ownership/i.test(words)) return 'see `git help config` on safe.directory';
  return 'run the git command by hand to see more';
}
