import { parseConfigFile } from '../../config/load.ts';
import type { ConfigFile } from '../../config/schema.ts';
import { encodeDocument } from './document.ts';
import { assertWritable } from './format.ts';
import { CONFIG_PATH, gitPath, LOCAL_CONFIG_PATH } from './layout.ts';
import type { Repository } from './repository.ts';

export interface ConfigChange {
  /** Change this clone's local.json instead of config.json, which all clones share. */
  local: boolean;
  /** What the lock says is being done. */
  purpose: string;
  /** The file with the change; what it throws keeps everything as it is. */
  change(file: ConfigFile): ConfigFile;
}

/**
 * Changes one of the two configuration files under the lock.
 * @returns the paths below the Git root that were written; local.json is ignored by Git and not among them
 * @throws UsageError `CONFIG_INVALID`
 */
export async function changeConfig(
  repository: Repository,
  { local, purpose, change }: ConfigChange,
): Promise<readonly string[]> {
  assertWritable(repository.unknownFeatures);
  const path = local ? LOCAL_CONFIG_PATH : CONFIG_PATH;
  const lock = await repository.lock.acquire(purpose);
  try {
    const before = await repository.documents.read(path);
    const bytes = encodeDocument(change(parseConfigFile(before, path)));
    if (before !== undefined && Buffer.compare(before, bytes) === 0) return [];
    await lock.assertHeld();
    await repository.documents.write(path, bytes);
    return local ? [] : [gitPath(path)];
  } finally {
    await lock.release();
  }
}
