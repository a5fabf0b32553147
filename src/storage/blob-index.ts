import { MlopsError } from '../errors.ts';
import { BlobSegment, type PackTable, type SegmentPack } from './blob-segment.ts';
import { sha256Hex } from './digest.ts';
import type { IndexFiles } from './index-files.ts';
import type { ObjectKey, ObjectStore } from './object-store.ts';
import { decodeTable, locateTable, TRAILER_LENGTH, type PackEntry } from './pack.ts';

const DIRECTORY = 'blobs';

/** One place where a blob is kept. */
export interface BlobLocation extends PackEntry {
  /** 64 hex digits: the pack's name. */
  pack: string;
}

export interface BlobIndexOptions {
  objects: ObjectStore;
  files: IndexFiles;
  warn: (message: string) => void;
}

/**
 * Which packs hold a blob. The packs' own tables are the truth: segments on disk only save reading them, and a pack that
 * they do not know, or that has another size than they say, is read again.
 */
export class BlobIndex {
  readonly #options: BlobIndexOptions;
  /** Sizes of the packs that are there, by name; a pack that was dropped is absent. */
  readonly #packs = new Map<string, number>();
  /** Those without a file are not saved yet. */
  #segments: { file: string | undefined; segment: BlobSegment }[] = [];

  private constructor(options: BlobIndexOptions) {
    this.#options = options;
  }

  /** Lists the packs and reads what is known of them. @throws whatever listing the packs throws */
  static async load(options: BlobIndexOptions): Promise<BlobIndex> {
    const index = new BlobIndex(options);
    for await (const { key, size } of options.objects.list('packs')) index.#packs.set(key.name, size);
    index.#readSegments();
    await index.#readUnknownTables();
    return index;
  }

  get packs(): ReadonlyMap<string, number> {
    return this.#packs;
  }

  /** Every known place of a blob; packs that are not there any more are left out. */
  findAll(id: string): BlobLocation[] {
    if (this.#segments.length === 0) return [];
    const found: BlobLocation[] = [];
    const key = Buffer.from(id, 'hex');
    for (const { segment } of this.#segments) {
      segment.find(id, key, (number, { offset, storedLength, length, encoding }) => {
        const pack = segment.packs[number];
        if (pack !== undefined && this.#isThere(pack))
          found.push({ id, offset, storedLength, length, encoding, pack: pack.name });
      });
    }
    return found;
  }

  find(id: string): BlobLocation | undefined {
    return this.findAll(id)[0];
  }

  /** What a pack holds, in the order in which it lies there. */
  blobsOf(pack: string): BlobLocation[] {
    for (const { segment } of this.#segments) {
      const number = segment.packs.findIndex((each) => each.name === pack && this.#isThere(each));
      if (number === -1) continue;
      const found = segment.entriesOf(number).map((entry) => ({ ...entry, pack }));
      return found.toSorted((first, second) => first.offset - second.offset);
    }
    return [];
  }

  /** Takes packs that were stored just now, or read. */
  add(tables: readonly PackTable[]): void {
    if (tables.length === 0) return;
    for (const { name, size } of tables) this.#packs.set(name, size);
    this.#segments.push({ file: undefined, segment: BlobSegment.build(tables) });
  }

  /** Forgets a pack that was moved away. */
  drop(pack: string): void {
    this.#packs.delete(pack);
  }

  /**
   * Writes what is new as one more segment. Segments of up to twice its size are merged into it, so a blob is rewritten a
   * logarithmic number of times however many saves there are.
   */
  save(): void {
    const merged = this.#segments.filter(({ file }) => file === undefined);
    if (merged.length === 0) return;
    let count = merged.reduce((sum, { segment }) => sum + segment.count, 0);
    const saved = this.#segments.filter(({ file }) => file !== undefined);
    const rest: typeof saved = [];
    for (const each of saved.toSorted((first, second) => first.segment.count - second.segment.count)) {
      if (each.segment.count > 2 * count) {
        rest.push(each);
        continue;
      }
      count += each.segment.count;
      merged.push(each);
    }
    const [first] = merged;
    const taken = new Set<string>();
    const isKept = (pack: SegmentPack): boolean => {
      if (!this.#isThere(pack) || taken.has(pack.name)) return false;
      taken.add(pack.name);
      return true;
    };
    const segment =
      merged.length === 1 && first !== undefined
        ? first.segment
        : BlobSegment.merge(
            merged.map((each) => each.segment),
            isKept,
          );
    const file = sha256Hex(segment.bytes).slice(0, 32);
    const { files } = this.#options;
    files.write(`${DIRECTORY}/${file}`, segment.bytes);
    for (const { file: old } of merged) {
      if (old !== undefined && old !== file) files.remove(`${DIRECTORY}/${old}`);
    }
    this.#segments = [...rest, { file, segment }];
  }

  #isThere({ name, size }: SegmentPack): boolean {
    return this.#packs.get(name) === size;
  }

  #readSegments(): void {
    const { files } = this.#options;
    for (const file of files.list(DIRECTORY)) {
      const bytes = files.read(`${DIRECTORY}/${file}`);
      const segment = bytes && BlobSegment.parse(bytes);
      const alive = segment?.packs.some((pack) => this.#isThere(pack)) ?? false;
      if (segment !== undefined && alive) this.#segments.push({ file, segment });
      else if (/^[0-9a-f]{32}$/.test(file)) files.remove(`${DIRECTORY}/${file}`);
    }
  }

  async #readUnknownTables(): Promise<void> {
    const known = new Set<string>();
    for (const { segment } of this.#segments) {
      for (const pack of segment.packs) if (this.#isThere(pack)) known.add(pack.name);
    }
    const tables: PackTable[] = [];
    for (const [name, size] of this.#packs) {
      if (known.has(name)) continue;
      try {
        const entries = await readPackTable(this.#options.objects, { kind: 'packs', name }, size);
        tables.push({ name, size, entries });
      } catch (error) {
        if (!(error instanceof MlopsError)) throw error;
        this.#options.warn(`${error.message}; its blobs are not used`);
      }
    }
    this.add(tables);
    this.save();
  }
}

/** The table of contents of a stored pack. @throws IntegrityError `OBJECT_MISSING`, `OBJECT_DAMAGED` */
export async function readPackTable(
  objects: ObjectStore,
  key: ObjectKey,
  size: number,
): Promise<PackEntry[]> {
  const source = `packs/${key.name.slice(0, 2)}/${key.name}`;
  const start = Math.max(0, size - TRAILER_LENGTH);
  const trailer = await objects.get(key, { offset: start, length: size - start });
  const { offset, length } = locateTable(trailer, size, source);
  return decodeTable(await objects.get(key, { offset, length }), offset, source);
}
