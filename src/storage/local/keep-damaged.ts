import { join } from 'node:path';
import { lstatIfPresent } from '../../lib/safe-path.ts';
import { crypto } from '../../lib/lazy-builtin.ts';
import { writeDurably } from '../atomic-write.ts';
import { objectPath } from '../object-errors.ts';
import type { ObjectKey } from '../object-store.ts';
import { ensureDirectory } from './object-paths.ts';

/** What came from a remote under the name of an object and is not that object. */
export interface DamagedCopy {
  key: ObjectKey;
  bytes: Uint8Array;
  reason: string;
}

/**
 * Puts damaged bytes of a remote beside those of this clone, with the reason. The name says that no object of this clone is meant, and which
 * bytes they are: who asks for a rotten object again and again must not fill the disk with copies of it.
 * @param root the `.mlops` directory
 * @returns the path of the copy
 * @throws LocalIoError
 */
export async function keepDamaged(root: string, { key, bytes, reason }: DamagedCopy): Promise<string> {
  const directory = join(root, 'cache', 'quarantine');
  ensureDirectory(root, directory);
  const hash = crypto().createHash('sha256').update(bytes).digest('hex');
  const place = join(directory, `remote-${key.kind}-${key.name}-${hash.slice(0, 16)}`);
  const there = lstatIfPresent(place);
  if (there?.isFile() === true && there.size === bytes.length) return place;
  const note = { object: objectPath(key), reason, time: new Date().toISOString() };
  await writeDurably(`${place}.reason.json`, Buffer.from(`${JSON.stringify(note, null, 2)}\n`));
  await writeDurably(place, bytes);
  return place;
}
