import { MlopsError } from '../errors.ts';
import { BlobSegment, type PackTable } from './blob-segment.ts';
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
  readonly #fresh = new Map<string, BlobLocation[]>();
  #unsaved: PackTable[] = [];
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
    const found = [...(this.#fresh.get(id) ?? [])];
    if (this.#segments.length > 0) {
      const key = Buffer.from(id, 'hex');
      for (const { segment } of this.#segments) {
        segment.find(key, (number, entry) => {
          const pack = segment.packs[number];
          if (pack !== undefined && this.#packs.get(pack.name) === pack.size)
            found.push({ ...entry, pack: pack.name });
        });
      }
    }
    return found.filter(({ pack }) => this.#packs.has(pack));
  }

  find(id: string): BlobLocation | undefined {
    return this.findAll(id)[0];
  }

  /** What a pack holds, in the order in which it lies there. */
  blobsOf(pack: string): BlobLocation[] {
    const found: BlobLocation[] = [];
    for (const locations of this.#fresh.values())
      found.push(...locations.filter((each) => each.pack === pack));
    for (const { segment } of this.#segments) {
      const table = segment.tables().find(({ name }) => name === pack);
      if (table !== undefined) found.push(...table.entries.map((entry) => ({ ...entry, pack })));
    }
    return found.toSorted((first, second) => first.offset - second.offset);
  }

  add(table: PackTable): void {
    this.#packs.set(table.name, table.size);
    this.#remember(table);
    this.#unsaved.push(table);
  }

  /** Forgets a pack that was moved away. */
  drop(pack: string): void {
    this.#packs.delete(pack);
    this.#unsaved = this.#unsaved.filter(({ name }) => name !== pack);
  }

  /**
   * Writes what is new as one more segment. Segments of up to twice its size are merged into it, so a blob is rewritten a
   * logarithmic number of times however many saves there are.
   */
  save(): void {
    if (this.#unsaved.length === 0) return;
    let tables = this.#unsaved;
    let count = tables.reduce((sum, { entries }) => sum + entries.length, 0);
    const obsolete: string[] = [];
    const bySize = this.#segments.toSorted((first, second) => first.segment.count - second.segment.count);
    for (const { file, segment } of bySize) {
      if (segment.count > 2 * count) break;
      tables = [...tables, ...segment.tables().filter(({ name, size }) => this.#packs.get(name) === size)];
      count += segment.count;
      if (file !== undefined) obsolete.push(file);
    }
    const { bytes } = BlobSegment.build(tables);
    const file = sha256Hex(bytes).slice(0, 32);
    this.#options.files.write(`${DIRECTORY}/${file}`, bytes);
    for (const name of obsolete) if (name !== file) this.#options.files.remove(`${DIRECTORY}/${name}`);
    this.#unsaved = [];
  }

  #remember({ name, entries }: PackTable): void {
    for (const entry of entries) {
      const location = { ...entry, pack: name };
      const others = this.#fresh.get(entry.id);
      if (others === undefined) this.#fresh.set(entry.id, [location]);
      else others.push(location);
    }
  }

  #readSegments(): void {
    const { files } = this.#options;
    for (const file of files.list(DIRECTORY)) {
      const bytes = files.read(`${DIRECTORY}/${file}`);
      const segment = bytes && BlobSegment.parse(bytes);
      const alive = segment?.packs.some(({ name, size }) => this.#packs.get(name) === size) ?? false;
      if (segment !== undefined && alive) this.#segments.push({ file, segment });
      else if (/^[0-9a-f]{32}$/.test(file)) files.remove(`${DIRECTORY}/${file}`);
    }
  }

  async #readUnknownTables(): Promise<void> {
    const known = new Set<string>();
    for (const { segment } of this.#segments) {
      for (const { name, size } of segment.packs) if (this.#packs.get(name) === size) known.add(name);
    }
    for (const [name, size] of this.#packs) {
      if (known.has(name)) continue;
      try {
        const entries = await readPackTable(this.#options.objects, { kind: 'packs', name }, size);
        this.add({ name, size, entries });
      } catch (error) {
        if (!(error instanceof MlopsError)) throw error;
        this.#options.warn(`${error.message}; its blobs are not used`);
      }
    }
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
