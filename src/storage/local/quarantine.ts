import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ioError } from '../atomic-write.ts';
import type { ObjectKey } from '../object-store.ts';
import { isRealDirectory } from './object-paths.ts';

const ENTRY = /^(packs|manifests)-([0-9a-f]{64})(?!.*\.reason\.json$)/;

/** The objects of which damaged bytes were moved away. @throws LocalIoError; RefusedError `UNSAFE_PATH` */
export function listQuarantined(mlopsDir: string): ObjectKey[] {
  const directory = join(mlopsDir, 'cache', 'quarantine');
  if (!isRealDirectory(mlopsDir, directory)) return [];
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch (error) {
    throw ioError(error, directory, 'nothing was removed');
  }
  return names.flatMap((entry) => {
    const [, kind, name] = ENTRY.exec(entry) ?? [];
    return (kind === 'packs' || kind === 'manifests') && name !== undefined ? [{ kind, name }] : [];
  });
}
