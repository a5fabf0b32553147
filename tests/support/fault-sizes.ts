import { mkdirSync, writeFileSync } from 'node:fs';
import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mlops, startMlops } from './binary.ts';
import { peakMemory } from './fault-machine.ts';
import { noise, observed, type FaultRepository } from './fault-repository.ts';
import { snapshot, violations } from './invariants.ts';
import { traceEverything } from './strace.ts';

const FILES_PER_DIRECTORY = 500;
const HOUR_MS = 3_600_000;

/**
 * Saves and restores a directory of small files of 1 to 4 KB.
 *
 * @returns what was not as it should be, the number of fsyncs of the save when asked for, and the peak memory of the restore in MiB
 */
export async function saveManyFiles(
  repository: FaultRepository,
  { count, countFlushes }: { count: number; countFlushes: boolean },
): Promise<{ problems: string[]; flushes: number | undefined }> {
  const { root, env, scratch } = repository;
  const content = noise(4096, 3);
  for (let index = 0; index < count; index += 1) {
    const directory = join(scratch, 'many', String(Math.floor(index / FILES_PER_DIRECTORY)));
    if (index % FILES_PER_DIRECTORY === 0) mkdirSync(directory, { recursive: true });
    content.writeUInt32LE(index, 0);
    writeFileSync(join(directory, `${index}.bin`), content.subarray(0, 1000 + ((index * 37) % 3096)));
  }
  const source = join(scratch, 'many');
  const before = observed(repository);
  const options = { cwd: root, env, timeout: HOUR_MS };
  const argv = ['save', 'many', source, '--version', 'v1'];
  const traced = countFlushes ? await traceEverything(argv, { ...options, scratch }) : undefined;
  const saved = traced ?? (await mlops(argv, options));
  const problems = saved.code === 0 ? [] : [`save: exit ${saved.code}: ${saved.stderr}`];
  const loaded = await mlops(['load', 'many@v1', '-o', join(scratch, 'restored')], options);
  if (loaded.code !== 0) problems.push(`load: exit ${loaded.code}: ${loaded.stderr}`);
  problems.push(
    ...violations(observed(repository), { before }),
    ...differences(source, join(scratch, 'restored')),
  );
  const flushes = traced?.calls.filter(({ name }) => /^f(data)?sync$/.test(name)).length;
  return { problems, flushes };
}

function differences(first: string, second: string): string[] {
  const [one, two] = [snapshot(first), snapshot(second)];
  const paths = [...new Set([...one.keys(), ...two.keys()])];
  return paths
    .filter((path) => one.get(path) !== two.get(path))
    .slice(0, 10)
    .map((path) => `${path} differs`);
}

/** Saves and restores a file of holes; the peak memory of both in MiB. */
export async function memoryOfSparse(
  repository: FaultRepository,
  bytes: number,
): Promise<{ save: number; load: number }> {
  const { scratch } = repository;
  const source = join(scratch, 'sparse.bin');
  await writeFile(source, 'head');
  await truncate(source, bytes);
  const save = await peakOf(repository, ['save', 'sparse', source, '--version', 'v1']);
  const load = await peakOf(repository, ['load', 'sparse@v1', '-o', join(scratch, 'restored.bin')]);
  return { save, load };
}

async function peakOf({ root, env }: FaultRepository, argv: readonly string[]): Promise<number> {
  const running = startMlops(argv, { cwd: root, env, timeout: HOUR_MS });
  let peak = 0;
  const timer = setInterval(() => (peak = Math.max(peak, peakMemory(running.pid))), 20);
  const { code, stderr } = await running.finished;
  clearInterval(timer);
  if (code !== 0) throw new Error(`${argv.join(' ')}: exit ${code}: ${stderr}`);
  return Math.round(peak);
}
