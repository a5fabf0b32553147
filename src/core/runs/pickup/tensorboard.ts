import { open } from 'node:fs/promises';
import { dirname, relative, sep } from 'node:path';
import { printable } from '../../../lib/terminal-text.ts';
import { isKey, isTime } from '../limits.ts';
import { CLOCK_STEP_MS, nothing, PICKUP_LIMITS, type PickedUp, type PickupOptions } from './pickup.ts';
import { readRecord, readScalars } from './tensorboard-events.ts';
import { walkFiles } from './walk-files.ts';

const EVENT_FILE = /^events\.out\.tfevents\./;
const BLOCK = 1024 * 1024;

/**
 * Scalars of the event files below a directory that were written since the program started. A metric is called `<directory>/<tag>`, without the directory
 * where the file lies at the top. A file whose last record is cut off was being written; what is damaged ends a file, with a problem.
 */
export async function pickUpTensorBoard(directory: string, { since }: PickupOptions): Promise<PickedUp> {
  const found = nothing();
  const files = await walkFiles(directory, (name) => EVENT_FILE.test(name));
  if (files === undefined) {
    found.problems.push(`${printable(directory)}: there is no such directory`);
    return found;
  }
  const fresh = files.filter(({ modifiedMs }) => modifiedMs >= since - CLOCK_STEP_MS);
  if (fresh.length === 0) {
    const what = files.length === 0 ? 'no event file is there' : 'no event file was written by this command';
    found.problems.push(`${printable(directory)}: ${what}`);
  }
  // The names hold the time at which they were started, so a resumed training comes after its first part.
  for (const { path } of fresh.toSorted((first, second) => (first.path < second.path ? -1 : 1))) {
    const place = relative(directory, dirname(path)).split(sep).join('/');
    try {
      const problem = await readEventFile(path, place === '' ? '' : `${place}/`, found);
      if (problem !== undefined) found.problems.push(`${printable(path)}: ${problem}`);
    } catch (error) {
      found.problems.push(`${printable(path)}: ${error instanceof Error ? error.message : 'not readable'}`);
    }
  }
  return found;
}

/** @returns what is wrong with the file, if anything; what stands before that is taken */
async function readEventFile(path: string, prefix: string, found: PickedUp): Promise<string | undefined> {
  const handle = await open(path, 'r');
  try {
    let bytes = Buffer.alloc(0);
    let offset = 0;
    for (;;) {
      const record = readRecord(bytes);
      if (record.kind === 'damaged') return `${record.problem} (at byte ${offset})`;
      if (record.kind === 'record') {
        takeScalars(record.data, prefix, found);
        if (found.metrics.length > PICKUP_LIMITS.points) return `more than ${PICKUP_LIMITS.points} values`;
        bytes = bytes.subarray(record.length);
        offset += record.length;
        continue;
      }
      const block = Buffer.allocUnsafe(Math.max(BLOCK, record.needed - bytes.length));
      const { bytesRead } = await handle.read(block, 0, block.length, offset + bytes.length);
      // Whatever is left of a record is what its writer did not come to.
      if (bytesRead === 0) return undefined;
      bytes = Buffer.concat([bytes, block.subarray(0, bytesRead)]);
    }
  } catch (error) {
    if (error instanceof RangeError) return `no event: ${error.message}`;
    throw error;
  } finally {
    await handle.close();
  }
}

function takeScalars(data: Uint8Array, prefix: string, found: PickedUp): void {
  for (const { tag, value, step, wallTime } of readScalars(data)) {
    const key = `${prefix}${tag}`;
    const time = Math.round(wallTime * 1000);
    if (isKey(key) && Number.isSafeInteger(step) && isTime(time))
      found.metrics.push({ key, value, step, time });
  }
}
