import type { ByteRange } from '../object-store.ts';
import type { RemoteLocation } from './layout.ts';
import type { RemoteBlobs } from './remote-blobs.ts';

/** Packs of which at least this share is needed, or all but little, are fetched whole: one request, and the pack stays as it is. */
const WHOLE_SHARE = 0.5;
/** Two ranges with less than this between them are one request: on most networks these bytes cost less than the round trip. */
const MAX_GAP = 64 * 1024;
const MAX_RANGE = 8 * 1024 * 1024;

/** One request: a stretch of a pack and the blobs that are wanted of it. */
export interface Stretch extends ByteRange {
  pack: string;
  /** Bytes of the pack. */
  packSize: number;
  whole: boolean;
  /** Sorted by offset. */
  blobs: readonly RemoteLocation[];
}

/**
 * Chooses for each blob one of the packs that hold it, the one of which most is needed, and cuts the packs into requests.
 * @param isUsable whether a place counts
 */
export function planStretches(
  ids: Iterable<string>,
  blobs: RemoteBlobs,
  isUsable: (location: RemoteLocation) => boolean,
): Stretch[] {
  const weight = new Map<string, number>();
  const byPack = new Map<string, RemoteLocation[]>();
  const take = (location: RemoteLocation): void => {
    const chosen = byPack.get(location.pack);
    if (chosen === undefined) byPack.set(location.pack, [location]);
    else chosen.push(location);
  };
  // Most blobs are in one pack: only the others have to wait until all is weighed.
  const severalPlaces: RemoteLocation[][] = [];
  for (const id of ids) {
    const usable = blobs.findAll(id).filter(isUsable);
    const [first] = usable;
    for (const { pack, storedLength } of usable) weight.set(pack, (weight.get(pack) ?? 0) + storedLength);
    if (first !== undefined && usable.length === 1) take(first);
    else if (first !== undefined) severalPlaces.push(usable);
  }
  for (const usable of severalPlaces) {
    take(
      usable.reduce((first, second) =>
        (weight.get(second.pack) ?? 0) > (weight.get(first.pack) ?? 0) ? second : first,
      ),
    );
  }
  return [...byPack.values()].flatMap((chosen) =>
    stretchesOf(chosen.toSorted((first, second) => first.offset - second.offset)),
  );
}

/** Cuts what is wanted of one pack into requests. @param blobs sorted by offset */
export function stretchesOf(blobs: readonly RemoteLocation[]): Stretch[] {
  const [first] = blobs;
  if (first === undefined) return [];
  const { pack, packSize } = first;
  const needed = blobs.reduce((sum, { storedLength }) => sum + storedLength, 0);
  if (needed >= packSize * WHOLE_SHARE || packSize - needed <= MAX_GAP)
    return [{ pack, packSize, whole: true, offset: 0, length: packSize, blobs }];
  const stretches: { offset: number; end: number; blobs: RemoteLocation[] }[] = [];
  for (const blob of blobs) {
    const end = blob.offset + blob.storedLength;
    const last = stretches.at(-1);
    if (last !== undefined && blob.offset - last.end <= MAX_GAP && end - last.offset <= MAX_RANGE) {
      last.end = Math.max(last.end, end);
      last.blobs.push(blob);
    } else {
      stretches.push({ offset: blob.offset, end, blobs: [blob] });
    }
  }
  return stretches.map(({ offset, end, blobs: part }) => ({
    pack,
    packSize,
    whole: false,
    offset,
    length: end - offset,
    blobs: part,
  }));
}
