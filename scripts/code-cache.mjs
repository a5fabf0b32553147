// The compiled form of dist/main.cjs for the Node that builds it, see bin/mlops.js. Functions that ran are part of it, so the
// commands that people wait for most are run once.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Script } from 'node:vm';
import { writeRegistry } from '../bench/registry.mjs';
import { cachePath, SCRIPT_NAME, wrap } from '../bin/script.js';

const MODEL = 'model';
const COMMANDS = [
  ['list'],
  ['list', MODEL],
  ['history', MODEL],
  ['history', MODEL, '--at', '2026-01-02'],
  ['list', MODEL, '--json'],
  ['list', 'nobody'],
  // Again, and now from the index that the first time wrote.
  ['list'],
  ['--help'],
];

/** Files that were written just now are not taken from the index, so the clock is put forward: those of people are older. */
const LATER_MS = 3_600_000;

/** Writes the code cache beside the script. */
export async function makeCodeCache(path) {
  const script = new Script(wrap(await readFile(path, 'latin1')), { filename: SCRIPT_NAME });
  const module = { exports: {} };
  script.runInThisContext()(module.exports, createRequire(path), module, path);
  await exercise(module.exports.main);
  await writeFile(cachePath(path), script.createCachedData());
}

async function exercise(main) {
  const cwd = await mkdtemp(join(tmpdir(), 'mlops-build-'));
  const clock = Date.now;
  try {
    await mkdir(join(cwd, '.mlops'));
    const format = { requiredFeatures: [], schema: 'mlops.format/1', version: 1 };
    await writeFile(join(cwd, '.mlops/format.json'), `${JSON.stringify(format, null, 2)}\n`);
    await writeFile(join(cwd, '.mlops/config.json'), '{}\n');
    const { signal } = new AbortController();
    await writeRegistry(cwd, { model: MODEL, versions: 5, events: 20, signal });
    const io = {
      out: () => {},
      err: () => {},
      outIsTTY: false,
      errIsTTY: false,
      outColor: false,
      errColor: false,
      columns: Infinity,
    };
    Date.now = () => clock() + LATER_MS;
    for (const argv of COMMANDS) {
      const code = await main(argv, { io, cwd, env: {}, signal, now: () => new Date() });
      const expected = argv.includes('nobody') ? 2 : 0;
      if (code !== expected)
        throw new Error(`mlops ${argv.join(' ')}: exit ${code} while the code cache was made`);
    }
  } finally {
    Date.now = clock;
    await rm(cwd, { recursive: true, force: true });
  }
}
