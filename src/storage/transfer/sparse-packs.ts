import type { SparsePack } from '../garbage.ts';
import { ENTRY_LENGTH, HEADER_LENGTH, TRAILER_LENGTH } from '../pack.ts';
import type { Layout, LayoutPack } from './layout.ts';

/** A pack is rewritten when what is needed of it would make a pack of less than this part of its size. */
const SPARSE_BELOW = 0.5;

/** A layout that stays, as far as it is remembered. */
export interface StayingLayout {
  readonly name: string;
  /** 64 hex digits. */
  readonly manifest: string;
  readonly packs: readonly LayoutPack[];
  /** Whether another layout may take its place. */
  readonly isReplaceable: boolean;
}

/** What the layouts that stay need of a remote. */
export class RemoteUse {
  readonly layouts: StayingLayout[] = [];
  readonly manifests = new Set<string>();
  readonly packs = new Set<string>();
  /** Stored lengths of the blobs that layouts place in a pack, by their offsets, by its name; numbers only, as they may be a million. */
  readonly #places = new Map<string, Map<number, number>>();

  add(layout: Layout, name: string, isReplaceable: boolean): void {
    const { manifest, packs } = layout;
    this.layouts.push({ name, manifest, packs, isReplaceable });
    this.manifests.add(manifest);
    for (const pack of packs) this.packs.add(pack.name);
    // Packs of any other layout are left alone, however little of them is needed.
    if (!isReplaceable) return;
    for (let index = 0; index < layout.count; index += 1) {
      const { pack, offset, storedLength } = layout.locate(index, '');
      const places = this.#places.get(pack);
      if (places === undefined) this.#places.set(pack, new Map([[offset, storedLength]]));
      else places.set(offset, storedLength);
    }
  }

  /** Where in the pack blobs lie that are needed. */
  offsetsIn(pack: string): ReadonlySet<number> {
    return new Set(this.#places.get(pack)?.keys());
  }

  /**
   * Which of the packs are to be rewritten, sorted by name.
   * @param sizes bytes of all packs that are there
   * @param isThere whether the manifest (64 hex digits) is
   */
  sparse(
    sizes: ReadonlyMap<string, number>,
    { isOld, isThere }: { isOld: (pack: string) => boolean; isThere: (manifest: string) => boolean },
  ): SparsePack[] {
    const fixed = new Set<string>();
    for (const { isReplaceable, manifest, packs } of this.layouts) {
      const isComplete = isThere(manifest) && packs.every(({ name, size }) => sizes.get(name) === size);
      // A layout is written only where all is there that it names, so one that is not complete can't be replaced.
      if (!isReplaceable || !isComplete) for (const { name } of packs) fixed.add(name);
    }
    const found: SparsePack[] = [];
    for (const [name, places] of this.#places) {
      const size = sizes.get(name);
      if (size === undefined || fixed.has(name) || !isOld(name)) continue;
      let neededBytes = 0;
      for (const storedLength of places.values()) neededBytes += storedLength;
      // With its table: a pack of tiny blobs is mostly table, and would be rewritten for ever.
      const rewritten = HEADER_LENGTH + neededBytes + places.size * ENTRY_LENGTH + TRAILER_LENGTH;
      if (rewritten < size * SPARSE_BELOW) found.push({ name, size, neededBytes, neededBlobs: places.size });
    }
    return found.toSorted((first, second) => (first.name < second.name ? -1 : 1));
  }
}
