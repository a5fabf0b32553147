import { mkdirSync, mkdtempSync, readdirSync, rmSync, statfsSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { UsageError } from './options.mjs';
import { Runner } from './runner.mjs';
import { sampleOf } from './rows.mjs';

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
export const MLOPS = [process.execPath, join(ROOT, 'bin/mlops.js')];

/** A file this much younger than the clock is read again, whatever its times say; see the 2 s in docs/benchmarks.md. */
const SETTLE_MS = 2200;

/**
 * Everything that the rows of one run share: a fresh temporary directory, a way to run programs, and the results.
 * @param space bytes that the hungriest group needs at scale 1
 */
export async function openBench(options, space) {
  const needed = space * Math.min(1, options.scale) + 2 ** 26;
  const { bavail, bsize } = statfsSync(tmpdir());
  if (bavail * bsize < needed) {
    const missing = `${(needed / 2 ** 30).toFixed(1)} GiB needed, ${((bavail * bsize) / 2 ** 30).toFixed(1)} GiB free`;
    throw new UsageError(`too little space in the temporary directory: ${missing} (set TMPDIR to another)`);
  }
  const scratch = mkdtempSync(join(tmpdir(), 'mlops-bench-'));
  const abort = new AbortController();
  const stop = () => abort.abort();
  process.on('SIGINT', stop).on('SIGTERM', stop);
  const runner = new Runner({ scratch, env: childEnvironment(scratch), signal: abort.signal });
  await runner.probe();
  return new Bench({ options, scratch, runner, signal: abort.signal });
}

class Bench {
  rows = [];
  peers = [];
  #shared = new Map();

  constructor({ options, scratch, runner, signal }) {
    Object.assign(this, { options, scratch, runner, signal });
  }

  get method() {
    return { memory: this.runner.memoryMethod, repeat: this.options.repeat, sync: 'sync before each run' };
  }

  log(text) {
    process.stderr.write(`${text}\n`);
  }

  load() {
    return loadavg().map((value) => Math.round(value * 100) / 100);
  }

  /** Whether a row whose name is or starts with one of `ids` was asked for. */
  wants(...ids) {
    const { rows } = this.options;
    return rows === undefined || ids.some((id) => rows.some((name) => id.startsWith(name)));
  }

  /** A size or count of the design at the scale of this run, at least `least`. */
  scaled(value, least = 1) {
    return Math.max(least, Math.round(value * this.options.scale));
  }

  path(...parts) {
    return join(this.scratch, ...parts);
  }

  remove(...paths) {
    for (const path of paths) rmSync(path, { recursive: true, force: true, maxRetries: 3 });
  }

  run(argv, options) {
    return this.runner.run(argv, options);
  }

  mlops(repository, args, options = {}) {
    return this.run([...MLOPS, ...(repository === undefined ? [] : ['-C', repository]), ...args], options);
  }

  async mlopsJson(repository, args) {
    const { stdout, seconds } = await this.mlops(repository, [...args, '--json'], { capture: true });
    return { data: JSON.parse(stdout).data, seconds };
  }

  /** A Git repository with an empty `.mlops`, made anew. */
  async repository(name) {
    const path = this.path(name);
    this.remove(path);
    mkdirSync(path);
    await this.run(['git', 'init', '--quiet', '--initial-branch=main', path]);
    await this.run(['git', '-C', path, 'config', 'user.name', 'Bench']);
    await this.run(['git', '-C', path, 'config', 'user.email', 'bench@example.org']);
    await this.mlops(path, ['init']);
    return path;
  }

  /** Waits until what was just written is old enough for indexes to trust its times. */
  async settle() {
    await delay(SETTLE_MS, undefined, { signal: this.signal });
  }

  /**
   * Runs the tasks in turn, `rounds` times, so that whatever else the machine does meets all of them alike.
   * A task is `{ before?, run, after? }`; only `run` counts, and the file systems are synced before it.
   * @returns for each task the results of `run`: objects with `seconds`, and `peakBytes` where asked for
   */
  async interleave(tasks, rounds) {
    const results = Object.fromEntries(Object.keys(tasks).map((name) => [name, []]));
    for (let round = 0; round < rounds; round += 1) {
      for (const [name, task] of Object.entries(tasks)) {
        await task.before?.(round);
        await this.run(['sync']);
        const result = await task.run(round);
        await task.after?.(round);
        results[name].push(result);
        this.log(`  ${name} ${round + 1}/${rounds}: ${result.seconds.toFixed(3)} s`);
      }
    }
    return results;
  }

  /** Median start-up of the program, measured once a run however many rows need it. */
  startUp() {
    return this.once('start-up', async () => {
      const tasks = { 'start-up': { run: () => this.mlops(undefined, ['--version']) } };
      return sampleOf((await this.interleave(tasks, this.options.repeat * 5))['start-up'], 'seconds');
    });
  }

  once(name, make) {
    if (!this.#shared.has(name)) this.#shared.set(name, make());
    return this.#shared.get(name);
  }

  add(row) {
    this.rows.push(row);
    this.log(`${row.id}: ${row.ratio.toFixed(3)} (${row.verdict})`);
  }

  /** Removes what a failed group left, but not the homes of the programs. */
  clear() {
    for (const name of readdirSync(this.scratch)) {
      if (name !== 'home' && name !== 'tmp') this.remove(join(this.scratch, name));
    }
  }

  close() {
    if (this.options.keep) this.log(`kept: ${this.scratch}`);
    else this.remove(this.scratch);
  }
}

/**
 * What the measured programs see. Nothing of the terminal that started the run: an extra certificate file alone costs Node
 * some milliseconds at each start, and a user's Git settings could hash or sign.
 */
function childEnvironment(scratch) {
  for (const name of ['home', 'tmp']) mkdirSync(join(scratch, name));
  return {
    PATH: process.env.PATH,
    HOME: join(scratch, 'home'),
    TMPDIR: join(scratch, 'tmp'),
    LC_ALL: 'C',
    NO_COLOR: '1',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
  };
}
