import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { MLOPS } from '../bench.mjs';
import { fixed, row, sample, sampleOf } from '../rows.mjs';
import { statWalks } from './physical.mjs';

export const MODEL = 'fraud_detector';
const TRACED = 'trace=fsync,fdatasync,syncfs,?sync';

/** A task that saves `source` into a new repository each time; the last one stays. */
export function saveTask(bench, source, name) {
  let repository;
  return {
    before: async () => (repository = await bench.repository(name)),
    run: () => bench.mlops(repository, ['save', MODEL, source, '--version', 'v1'], { memory: true }),
  };
}

/** The row of the peak memory of `results`, or undefined where it can't be measured. */
export function memoryRow({ id, what, limit, results }) {
  if (results.some(({ peakBytes }) => peakBytes === undefined)) return undefined;
  return row({
    id,
    what: `peak memory of ${what}`,
    budget: `<= ${limit} MiB`,
    limit: { atMost: 1 },
    measured: sampleOf(results, 'peakBytes'),
    bound: fixed('bytes', limit * 2 ** 20),
    boundIs: 'the budget',
  });
}

/** Time on all cores together, where it is known. */
export function cpuDetail(results) {
  return results.every(({ cpuSeconds }) => cpuSeconds !== undefined)
    ? { 'processor time of mlops': sampleOf(results, 'cpuSeconds') }
    : {};
}

/** `save` of what is stored already, against a stat walk. Leaves some versions more in the repository. */
export async function unchangedRow(bench, { id, what, source, repository, rounds }) {
  const save = (...more) => ['save', MODEL, source, ...more];
  const results = await bench.interleave(
    {
      ...statWalks(bench, source),
      'unchanged save': { run: () => bench.mlops(repository, save('--version', 'v1')) },
      'unchanged save as a new version': {
        run: (round) => bench.mlops(repository, save('--version', `again-${round}`)),
      },
    },
    rounds,
  );
  const startUp = await bench.startUp();
  return row({
    id,
    what: `unchanged \`save\` of ${what}`,
    budget: '<= 1.5 x a stat walk plus start-up',
    limit: { atMost: 1.5 },
    measured: sampleOf(results['unchanged save'], 'seconds'),
    bound: sampleOf(results.node, 'seconds'),
    boundIs: 'a node script that reads directories and calls lstat, its own start-up included',
    details: {
      'saved as a new version: record, event, git add': sampleOf(
        results['unchanged save as a new version'],
        'seconds',
      ),
      'find -printf of size, time and inode': sampleOf(results.find, 'seconds'),
      'start-up of mlops (--version)': startUp,
    },
  });
}

/** Flushing system calls of one save, counted by strace in a run of its own; undefined where that is impossible. */
export async function flushesOf(bench, source) {
  const report = bench.path('strace');
  const options = await straceOptions(bench);
  if (options === undefined) return undefined;
  const repository = await bench.repository('traced');
  const save = saveArguments(repository, source);
  await bench.run([...options, '-c', '-o', report, '-e', TRACED, ...save]);
  bench.remove(repository);
  return sample('calls', [countCalls(readFileSync(report, 'utf8'))]);
}

/** Bytes of all packs of a repository, as `du --apparent-size` would count them. */
export function packBytes(repository) {
  const packs = join(repository, '.mlops/cache/packs');
  return readdirSync(packs, { recursive: true })
    .map((name) => statSync(join(packs, name)))
    .filter((stats) => stats.isFile())
    .reduce((sum, { size }) => sum + size, 0);
}

function saveArguments(repository, source) {
  return [...MLOPS, '-C', repository, 'save', MODEL, source, '--version', 'v1'];
}

/** Stops at the calls of interest only, where the kernel can; at every call otherwise. */
async function straceOptions(bench) {
  for (const options of [
    ['strace', '-f', '--seccomp-bpf'],
    ['strace', '-f'],
  ]) {
    const { code } = await bench.runner.tryRun([...options, '-qq', '-e', TRACED, 'true']);
    if (code === 0) return options;
  }
  return undefined;
}

/** Sum of the column `calls` of `strace -c`; a run without any call leaves an empty report. */
function countCalls(report) {
  const lines = report.split('\n').map((line) => line.trim().split(/\s+/));
  const calls = lines.filter((fields) => /^(?:fsync|fdatasync|syncfs|sync)$/.test(fields.at(-1) ?? ''));
  return calls.reduce((sum, fields) => sum + Number(fields[3]), 0);
}
