import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sample } from '../rows.mjs';

const STAT_WALK = fileURLToPath(new URL('./stat-walk.mjs', import.meta.url));

/** Several programs one after another; `seconds` is the sum, `parts` the seconds of each. */
async function oneAfterAnother(bench, commands) {
  const parts = [];
  for (const argv of commands) parts.push((await bench.run(argv)).seconds);
  return { seconds: parts.reduce((sum, part) => sum + part, 0), parts };
}

/** Copy a file, flush the copy, hash the original: what storing a file durably and by content costs at least. */
export function copyFlushHash(bench, source, copy) {
  return {
    before: () => bench.remove(copy),
    run: () => oneAfterAnother(bench, [['cp', source, copy], ['sync', copy], opensslHash(source)]),
    after: () => bench.remove(copy),
  };
}

export function opensslHash(source) {
  return ['openssl', 'dgst', '-sha256', source];
}

/** Details of the three parts of {@link copyFlushHash}. */
export function partsOf(results) {
  const names = ['cp', 'sync of the copy', 'openssl dgst -sha256'];
  return Object.fromEntries(
    names.map((name, index) => [
      name,
      sample(
        's',
        results.map(({ parts }) => parts[index]),
      ),
    ]),
  );
}

/** `tar cf` of a directory and a flush of the tar. */
export function tarFlush(bench, source, archive) {
  const name = source.slice(dirname(source).length + 1);
  return {
    before: () => bench.remove(archive),
    run: () =>
      oneAfterAnother(bench, [
        ['tar', 'cf', archive, '-C', dirname(source), name],
        ['sync', archive],
      ]),
    after: () => bench.remove(archive),
  };
}

/** `cp -r` of a directory to a place of its own each round, and one flush of the file system it is on. Leaves the copies. */
export function copyTreeFlush(bench, source, copyOf) {
  return {
    run: (round) =>
      oneAfterAnother(bench, [
        ['cp', '-r', source, copyOf(round)],
        ['sync', '-f', copyOf(round)],
      ]),
  };
}

/** Two plain walks that look at every file and do nothing else. */
export function statWalks(bench, source) {
  return {
    node: { run: () => bench.run([process.execPath, STAT_WALK, source]) },
    find: { run: () => bench.run(['find', source, '-type', 'f', '-printf', '%s %T@ %i\\n']) },
  };
}

/** Reads everything once, so that no run has to wait for the disk's part of the source. */
export async function warm(bench, source) {
  const isFile = statSync(source).isFile();
  await bench.run(isFile ? ['cat', source] : ['find', source, '-type', 'f', '-exec', 'cat', '{}', '+']);
}
