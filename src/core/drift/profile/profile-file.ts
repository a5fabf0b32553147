import { access, open, stat } from 'node:fs/promises';
import { errnoOf, UsageError } from '../../../errors.ts';
import { printable } from '../../../lib/terminal-text.ts';
import { PROFILE_LIMITS } from './document.ts';
import { parseProfile } from './parse.ts';
import type { Profile } from './profile.ts';

const OPENING = 4096;
const CALLS_ITSELF_ONE = /"schema"\s*:\s*"mlops\.profile\//;

/**
 * The profile in a file.
 *
 * @param shown the path as the person typed it
 * @throws UsageError `FILE_UNREADABLE`, `PROFILE_INVALID`, `FORMAT_UNSUPPORTED`
 */
export async function readProfile(path: string, shown: string): Promise<Profile> {
  const bytes = await profileBytes(path);
  if (bytes !== undefined) return parseProfile(bytes, printable(shown));
  const problem = await access(path).then(() => undefined, errnoOf);
  if (problem !== undefined) {
    const why = problem === 'ENOENT' ? 'there is no such file' : problem;
    throw new UsageError('FILE_UNREADABLE', `${printable(shown)}: ${why}`);
  }
  throw new UsageError('PROFILE_INVALID', `${printable(shown)} is no profile`, {
    hint: `make one of data: mlops profile ${printable(shown)} -o <file>`,
  });
}

/** The bytes of a file that calls itself a profile; undefined for what is none, be it data, no regular file, or one that can't be read. */
export async function profileBytes(path: string): Promise<Uint8Array | undefined> {
  try {
    // A FIFO would wait for a writer when it is opened.
    const stats = await stat(path);
    if (!stats.isFile() || stats.size > PROFILE_LIMITS.bytes) return undefined;
    const file = await open(path);
    try {
      const head = await file.read(Buffer.alloc(OPENING), 0, OPENING, 0);
      if (!/^\s*\{/.test(head.buffer.toString('latin1', 0, head.bytesRead))) return undefined;
      const bytes = await file.readFile();
      return CALLS_ITSELF_ONE.test(bytes.toString('latin1')) ? bytes : undefined;
    } finally {
      await file.close();
    }
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return undefined;
  }
}
