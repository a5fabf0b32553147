import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const POLL_MS = 10;
/** What a shell returns for a program that does not exist. */
const NOT_FOUND = 127;

/** Starts programs one at a time and measures them from outside. */
export class Runner {
  #scratch;
  #env;
  #signal;
  #gnuTime = false;

  constructor({ scratch, env, signal }) {
    this.#scratch = scratch;
    this.#env = env;
    this.#signal = signal;
  }

  /** Finds out how peak memory can be measured here. */
  async probe() {
    const { stdout } = await this.tryRun(['time', '--version'], { capture: true });
    this.#gnuTime = /GNU/.test(stdout);
  }

  get memoryMethod() {
    return this.#gnuTime
      ? 'GNU time: ru_maxrss of the largest process that the command waited for'
      : `VmHWM of the command's own process, read every ${POLL_MS} ms`;
  }

  /**
   * @param options `cwd`, `env` (added to the common one), `capture` (return stdout), `memory` (measure peak memory and CPU time)
   * @returns `seconds` of wall time from spawn to exit, `stdout`; with `memory` also `peakBytes`, and `cpuSeconds` where known
   * @throws Error when the program can't be started or does not return 0
   */
  async run(argv, options = {}) {
    const result = await this.tryRun(argv, options);
    if (result.code !== 0) {
      const how = result.code === NOT_FOUND ? `${argv[0]} is not installed` : `exit ${result.code}`;
      throw new Error(`${argv.join(' ')}: ${how}\n${result.stderr.slice(-2000)}`);
    }
    return result;
  }

  /** As `run`, but the caller looks at `code`: null when a signal ended the program, 127 when there is no such program. */
  async tryRun(argv, options = {}) {
    this.#signal.throwIfAborted();
    const report = join(this.#scratch, 'time');
    const wrapped = options.memory === true && this.#gnuTime;
    const command = wrapped ? ['time', '--quiet', '-o', report, '-f', '%M %U %S', ...argv] : argv;
    const poll = options.memory === true && !wrapped;
    const finished = await this.#spawn(command, { ...options, poll });
    this.#signal.throwIfAborted();
    if (!wrapped || finished.code !== 0) return finished;
    const [kibibytes, user, system] = readFileSync(report, 'utf8').trim().split(' ').map(Number);
    return { ...finished, peakBytes: kibibytes * 1024, cpuSeconds: user + system };
  }

  async #spawn([program, ...args], { cwd = this.#scratch, env = {}, capture = false, poll }) {
    // Files, because a reader at the end of a pipe would compete for the cores with what is measured.
    const out = join(this.#scratch, 'stdout');
    const err = join(this.#scratch, 'stderr');
    const stdout = capture ? openSync(out, 'w') : 'ignore';
    const stderr = openSync(err, 'w');
    let peakBytes;
    let timer;
    let child;
    const stop = () => killGroup(child?.pid);
    this.#signal.addEventListener('abort', stop);
    try {
      const start = performance.now();
      // A group of its own, so that an interrupted run also ends what the program has started.
      child = spawn(program, args, {
        cwd,
        env: { ...this.#env, ...env },
        stdio: ['ignore', stdout, stderr],
        detached: true,
      });
      if (poll) timer = setInterval(() => (peakBytes = highWater(child.pid) ?? peakBytes), POLL_MS);
      const code = await new Promise((done, fail) => {
        child.on('exit', done);
        child.on('error', (error) => (error.code === 'ENOENT' ? done(NOT_FOUND) : fail(error)));
      });
      const seconds = (performance.now() - start) / 1000;
      return {
        code,
        seconds,
        stdout: capture ? readFileSync(out, 'utf8') : '',
        stderr: readFileSync(err, 'utf8'),
        ...(peakBytes === undefined ? {} : { peakBytes }),
      };
    } finally {
      clearInterval(timer);
      this.#signal.removeEventListener('abort', stop);
      if (capture) closeSync(stdout);
      closeSync(stderr);
    }
  }
}

function killGroup(pid) {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

/** The kernel's own high-water mark, so only growth after the last look is missed. */
function highWater(pid) {
  try {
    const [, kibibytes] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
  } catch {
    return undefined;
  }
}
