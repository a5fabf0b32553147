import { threads } from '../../lib/lazy-builtin.ts';

/** What the thread says of a name: a fingerprint, or one of these. */
export const Listed = { young: 'young', passedOver: 'passed over', unsafe: 'unsafe' } as const;

/** Below this the thread takes longer to start (20 ms) than the files to be looked at (5 µs each). */
export const WORTH_A_THREAD = 8_000;

// As text, because a thread starts from a file of its own, and this one has no other place in the bundle. What is said of a
// block of names is made one text at once, so that tens of thousands of small ones need not be kept and moved about.
const PROGRAM = `
const { lstatSync } = require('node:fs');
const { parentPort, workerData } = require('node:worker_threads');
const { directory, names, newestSettled } = workerData;
const EXACT = { bigint: true, throwIfNoEntry: false };
function look(name) {
  const stats = lstatSync(directory + '/' + name, EXACT);
  if (stats === undefined || stats.isDirectory()) return '${Listed.passedOver}';
  if (!stats.isFile()) return '${Listed.unsafe}';
  if (stats.mtimeNs > newestSettled || stats.ctimeNs > newestSettled) return '${Listed.young}';
  return stats.size + '-' + stats.mtimeNs + '-' + stats.ctimeNs + '-' + stats.ino;
}
const all = names.split('/');
const blocks = [];
for (let at = 0; at < all.length; at += 512) blocks.push(all.slice(at, at + 512).map(look).join('/'));
parentPort.postMessage(blocks.join('/'));
`;

/**
 * The fingerprints of many files of one directory, looked up on a second core while this one goes on. As long texts, because
 * a text crosses between threads far faster than its fifty thousand pieces.
 *
 * @param newestSettled nanoseconds since 1970; what changed later is too young to tell
 * @returns one for each name, in order
 * @throws what `lstat` throws
 */
export function fingerprintsInThread(
  directory: string,
  names: readonly string[],
  newestSettled: bigint,
): Promise<string[]> {
  const { Worker } = threads();
  const worker = new Worker(PROGRAM, {
    eval: true,
    workerData: { directory, names: names.join('/'), newestSettled },
  });
  return new Promise((resolve, reject) => {
    worker.once('message', (text: string) => resolve(text.split('/')));
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error(`the thread that looks at ${directory} ended early`)));
  });
}
