import { BlobSegment, type PackTable, type SegmentRecord } from '../blob-segment.ts';
import type { Layout, RemoteLocation } from './layout.ts';

/**
 * Where blobs lie in the packs of a remote, as far as layouts and uploads of this call say. 48 bytes a blob, whatever the number of
 * artifacts.
 */
export class RemoteBlobs {
  #segments: BlobSegment[] = [];

  find(id: string): RemoteLocation | undefined {
    return this.findAll(id)[0];
  }

  /** Places of a blob, each pack once. */
  findAll(id: string): RemoteLocation[] {
    const found: RemoteLocation[] = [];
    const key = Buffer.from(id, 'hex');
    for (const segment of this.#segments) {
      segment.find(id, key, (number, { offset, storedLength, length, encoding }) => {
        const pack = segment.packs[number];
        if (pack === undefined || found.some((each) => each.pack === pack.name)) return;
        found.push({ id, offset, storedLength, length, encoding, pack: pack.name, packSize: pack.size });
      });
    }
    return found;
  }

  add(tables: readonly PackTable[]): void {
    if (tables.length > 0) this.#take(BlobSegment.build(tables));
  }

  /**
   * @param ids of the manifest's distinct blobs, in the order of the layout
   * @param isThere which packs count
   */
  addLayout(layout: Layout, ids: Iterable<string>, isThere: (pack: string) => boolean = () => true): void {
    const numbers = new Map<string, number>();
    for (const [number, { name }] of layout.packs.entries()) if (isThere(name)) numbers.set(name, number);
    function* records(): Iterable<SegmentRecord> {
      let index = 0;
      for (const id of ids) {
        const entry = layout.locate(index, id);
        index += 1;
        const pack = numbers.get(entry.pack);
        if (pack !== undefined) yield { pack, entry };
      }
    }
    if (numbers.size > 0) this.#take(BlobSegment.collect(layout.packs, layout.count, records()));
  }

  #take(fresh: BlobSegment): void {
    const merged = [fresh];
    let count = fresh.count;
    const rest: BlobSegment[] = [];
    // Segments of up to twice the size are merged, so that a blob is copied a logarithmic number of times.
    for (const segment of this.#segments.toSorted((first, second) => first.count - second.count)) {
      if (segment.count > 2 * count) {
        rest.push(segment);
        continue;
      }
      count += segment.count;
      merged.push(segment);
    }
    this.#segments = [...rest, merged.length === 1 ? fresh : BlobSegment.merge(merged, () => true)];
  }
}
