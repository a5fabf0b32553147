import { IntegrityError } from '../../errors.ts';
import type { RunFiles, RunPlace } from '../../storage/run-files.ts';
import { gitPath } from '../repository/layout.ts';
import { RUN_LIMITS } from './limits.ts';
import { eachLine } from './metric-lines.ts';

const BLOCK = 4 * 1024 * 1024;
const LINE_FEED = 10;

/** Below the Git root. */
export function runPath({ month, name }: RunPlace, file: string): string {
  return gitPath(`runs/${month}/${name}/${file}`);
}

/** A file that is read line by line, from an offset on. */
export interface LineSource {
  files: RunFiles;
  place: RunPlace;
  file: 'log.jsonl' | 'metrics.jsonl';
  offset: number;
}

/**
 * Gives the whole lines of a file to `visit` until it says `false`; lines longer than the limit are passed over.
 * @returns the offset behind the last whole line that was visited: what follows may still be being written
 * @throws IntegrityError `RUN_DAMAGED` for a file larger than docs/format.md allows
 */
export function readLines(
  { files, place, file, offset }: LineSource,
  visit: (line: string) => boolean | void,
): number {
  const limit = file === 'log.jsonl' ? RUN_LIMITS.logBytes : RUN_LIMITS.metricsBytes;
  if ((files.state(place, file)?.size ?? 0) > limit) {
    throw new IntegrityError('RUN_DAMAGED', `${runPath(place, file)} is larger than ${limit} bytes`);
  }
  let at = offset;
  /** End of the last whole line. */
  let settled = offset;
  let isSkipping = false;
  let isWanted = true;
  for (;;) {
    const block = files.read(place, file, { offset: at, length: BLOCK });
    if (block === undefined || block.length === 0) return settled;
    let start = 0;
    if (isSkipping) {
      const end = block.indexOf(LINE_FEED);
      start = end === -1 ? block.length : end + 1;
      isSkipping = end === -1;
    }
    const read = eachLine(block.subarray(start), (line) => {
      if (isWanted) isWanted = visit(line) !== false;
    });
    if (!isWanted) return settled;
    if (start + read > 0 && !isSkipping) settled = at + start + read;
    if (block.length < BLOCK) return settled;
    // No line may be as long as a block: what is, is rubbish, up to its end.
    if (read === 0 && start < block.length) isSkipping = true;
    at += isSkipping ? block.length : start + read;
  }
}
