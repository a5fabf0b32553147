import type { BlobIndex, BlobLocation } from '../blob-index.ts';

/** Packs of which at least this share of the stored bytes is needed, or all but little, are sent as they are. */
const WHOLE_SHARE = 0.5;
const LITTLE = 16 * 1024;

export interface LocalPack {
  name: string;
  /** Bytes. */
  size: number;
  /** Stored bytes of the blobs that are needed of it. */
  needed: number;
  blobs: BlobLocation[];
}

/**
 * For each blob one of the local packs that hold it: the one of which most is needed, so that few packs are used.
 * @returns the packs, and the blobs that are in none
 */
export function chooseLocalPacks(
  index: BlobIndex,
  ids: readonly string[],
): { packs: LocalPack[]; missing: Set<string> } {
  const missing = new Set<string>();
  const weight = new Map<string, number>();
  const packs = new Map<string, LocalPack>();
  const take = (location: BlobLocation): void => {
    const { pack: name, storedLength } = location;
    const pack = packs.get(name) ?? { name, size: index.packs.get(name) ?? 0, needed: 0, blobs: [] };
    pack.needed += storedLength;
    pack.blobs.push(location);
    packs.set(name, pack);
  };
  // Most blobs are in one pack: only the others have to wait until all is weighed.
  const severalPlaces: (readonly BlobLocation[])[] = [];
  for (const id of ids) {
    const locations = index.findAll(id);
    const [first] = locations;
    for (const { pack, storedLength } of locations) weight.set(pack, (weight.get(pack) ?? 0) + storedLength);
    if (first === undefined) missing.add(id);
    else if (locations.length === 1) take(first);
    else severalPlaces.push(locations);
  }
  for (const locations of severalPlaces) {
    take(
      locations.reduce((first, second) =>
        (weight.get(second.pack) ?? 0) > (weight.get(first.pack) ?? 0) ? second : first,
      ),
    );
  }
  return { packs: [...packs.values()], missing };
}

export function isWorthWhole({ size, needed }: LocalPack): boolean {
  return needed >= size * WHOLE_SHARE || size - needed <= LITTLE;
}
