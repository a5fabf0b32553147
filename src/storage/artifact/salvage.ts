import { IntegrityError } from '../../errors.ts';
import type { BlobIndex } from '../blob-index.ts';
import { decodeBlob } from '../compression.ts';
import { sha256HexInPool } from '../digest.ts';
import type { ObjectKey } from '../object-store.ts';
import type { ArtifactParts } from './parts.ts';
import { BlobReader } from './blob-reader.ts';
import { writePacks } from './pack-writer.ts';

/**
 * Moves a damaged pack to quarantine. Blobs in it that are still good, as far as the index knows them, are first stored
 * again in a new pack: one flipped bit must not take a thousand good blobs with it.
 */
export async function quarantinePack(
  parts: ArtifactParts,
  index: BlobIndex,
  damage: { pack: string; problem: string },
): Promise<void> {
  const key: ObjectKey = { kind: 'packs', name: damage.pack };
  const { saved, isReplaced } = await salvageBlobs(parts, index, damage.pack);
  if (isReplaced) {
    parts.warn(`${damage.problem}; all its blobs are good, and the pack was written again from them`);
    return;
  }
  const place = await parts.objects.quarantine(key, damage.problem);
  index.drop(damage.pack);
  parts.warn(`${damage.problem}; the pack is now in ${place}, ${saved} good blobs of it were kept`);
}

interface Salvaged {
  /** Number of blobs. */
  saved: number;
  /** What makes the same pack again took its name, and its place: the store moved the damaged one to quarantine then. */
  isReplaced: boolean;
}

async function salvageBlobs({ objects }: ArtifactParts, index: BlobIndex, pack: string): Promise<Salvaged> {
  const reader = new BlobReader(objects, index);
  let saved = 0;
  const tables = await writePacks(objects, async (writer) => {
    for (const location of index.blobsOf(pack)) {
      if (index.findAll(location.id).some((other) => other.pack !== pack)) continue;
      try {
        const stored = await reader.stored(location);
        const bytes = await decodeBlob(stored, location);
        if ((await sha256HexInPool(bytes)) !== location.id) continue;
        writer.add(location, { encoding: location.encoding, stored });
        saved += 1;
      } catch (error) {
        // What can't be read now may be good all the same: then the pack stays where it is.
        if (!(error instanceof IntegrityError)) throw error;
        continue;
      }
      await writer.ready();
    }
  });
  index.add(tables);
  index.save();
  return { saved, isReplaced: tables.some(({ name }) => name === pack) };
}
