import { readdirSync, statSync } from 'node:fs';
import { cpus, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { ROOT } from './bench.mjs';
import { UsageError } from './options.mjs';

/** What the figures depend on. No names of hosts, people or directories. */
export async function machineFacts(bench) {
  const { newestSource, built } = buildTimes();
  if (built === undefined) throw new UsageError('the program is not built; run `npm run build` first');
  const first = async (argv) => {
    const { code, stdout } = await bench.runner.tryRun(argv, { capture: true });
    return code === 0 ? stdout.trim().split('\n')[0] : 'unknown';
  };
  const git = (...args) => first(['git', '-C', ROOT, ...args]);
  const commit = await git('rev-parse', '--short=12', 'HEAD');
  const changed = await git(
    'status',
    '--porcelain',
    '--',
    'src',
    'bin',
    'package-lock.json',
    'scripts/build.mjs',
  );
  const cores = cpus();
  const load = bench.load();
  const fileSystem = await first(['findmnt', '-no', 'FSTYPE', '-T', bench.scratch]);
  return {
    date: new Date().toISOString(),
    commit,
    uncommittedChanges: commit !== 'unknown' && changed !== '',
    scale: bench.options.scale,
    machine: {
      cpu: cores[0]?.model.trim() ?? 'unknown',
      cores: cores.length,
      memoryBytes: totalmem(),
      node: process.version,
      kernel: `${type()} ${release()}`,
      fileSystem,
    },
    tools: {
      openssl: await first(['openssl', 'version']),
      tar: await first(['tar', '--version']),
      cp: await first(['cp', '--version']),
      git: await first(['git', '--version']),
    },
    loadBefore: load,
    warnings: [
      ...(newestSource > built
        ? ['dist is older than src: run `npm run build`, or the figures are those of older code']
        : []),
      ...(load[0] > 0.5
        ? [`the machine is busy (load ${load[0]}): only the ratios mean something, and not much`]
        : []),
      ...(fileSystem === 'tmpfs'
        ? ['the temporary directory is in memory: flushing costs nothing there (set TMPDIR)']
        : []),
      ...(bench.options.scale === 1 ? [] : ['scaled: the verdicts say nothing about the budgets']),
    ],
  };
}

function buildTimes() {
  const source = join(ROOT, 'src');
  const times = readdirSync(source, { recursive: true }).map((name) => statSync(join(source, name)).mtimeMs);
  const built = statSync(join(ROOT, 'dist/main.cjs'), { throwIfNoEntry: false })?.mtimeMs;
  return { newestSource: Math.max(...times), built };
}
