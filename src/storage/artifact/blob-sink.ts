import type { BlobIndex } from '../blob-index.ts';
import { encodeBlob, encodeSmall, isSmall, type EncodedBlob } from '../compression.ts';
import { sha256HexInPool } from '../digest.ts';
import type { BlobReader } from './blob-reader.ts';
import type { PackWriter } from './pack-writer.ts';

/** Where blobs go while a source is read. */
export interface BlobSink {
  /**
   * Takes a blob whose id is known. The bytes may be reused once what it returns is done, or at once when that is undefined.
   * @param encoded how it is to be stored, where that was found out already
   */
  known(id: string, bytes: Uint8Array, encoded?: EncodedBlob): Promise<void> | undefined;
  /** Whether a blob of this id would have to be stored. */
  isNew(id: string): boolean;
  /** Hashes and takes a blob; the bytes MUST stay as they are. Resolves to the id. */
  take(bytes: Uint8Array): Promise<string>;
  /** Whether these blobs need not be read again. */
  holds(ids: readonly string[]): boolean;
}

/** Only makes ids. */
export const hashOnly: BlobSink = {
  known: () => undefined,
  isNew: () => false,
  take: sha256HexInPool,
  holds: () => true,
};

/** A pack turned out to be damaged while something was compared with it; the attempt has to start again without it. */
export class DamagedPackFound extends Error {
  readonly pack: string;
  readonly problem: string;

  constructor(pack: string, problem: string) {
    super(problem);
    this.pack = pack;
    this.problem = problem;
  }
}

/** Stores blobs that are not in the store yet, each once; compares those that are with the bytes in hand. */
export class StoringSink implements BlobSink {
  readonly #index: BlobIndex;
  readonly #reader: BlobReader;
  readonly #writer: PackWriter;
  readonly #seen = new Set<string>();
  #new = 0;
  #newBytes = 0;

  constructor(parts: { index: BlobIndex; reader: BlobReader; writer: PackWriter }) {
    this.#index = parts.index;
    this.#reader = parts.reader;
    this.#writer = parts.writer;
  }

  /** As in `StoredArtifact`. */
  get counts(): { total: number; new: number; newBytes: number; storedBytes: number } {
    const { storedBytes } = this.#writer;
    return { total: this.#seen.size, new: this.#new, newBytes: this.#newBytes, storedBytes };
  }

  /** Every distinct id of the artifact. */
  get ids(): ReadonlySet<string> {
    return this.#seen;
  }

  isNew(id: string): boolean {
    return !this.#seen.has(id) && this.#index.find(id) === undefined;
  }

  known(id: string, bytes: Uint8Array, encoded?: EncodedBlob): Promise<void> | undefined {
    if (this.#seen.has(id)) return undefined;
    this.#seen.add(id);
    const locations = this.#index.findAll(id);
    if (locations.length > 0) return this.#compare(locations, bytes);
    this.#count(bytes);
    if (encoded === undefined && !isSmall(bytes)) return this.#encode(id, bytes);
    this.#writer.add({ id, length: bytes.length }, encoded ?? encodeSmall(bytes));
    return this.#writer.busy ? this.#writer.ready() : undefined;
  }

  async take(bytes: Uint8Array): Promise<string> {
    const id = await sha256HexInPool(bytes);
    await this.known(id, bytes);
    return id;
  }

  holds(ids: readonly string[]): boolean {
    for (const id of ids) {
      if (!this.#seen.has(id) && this.#index.find(id) === undefined) return false;
    }
    for (const id of ids) this.#seen.add(id);
    return true;
  }

  async #encode(id: string, bytes: Uint8Array): Promise<void> {
    const encoded = await encodeBlob(bytes);
    this.#writer.add({ id, length: bytes.length }, encoded);
    await this.#writer.ready();
  }

  async #compare(locations: Parameters<BlobReader['findDamage']>[0], bytes: Uint8Array): Promise<void> {
    const damage = await this.#reader.findDamage(locations, bytes);
    if (damage !== undefined) throw new DamagedPackFound(damage.pack, damage.problem);
  }

  #count(bytes: Uint8Array): void {
    this.#new += 1;
    this.#newBytes += bytes.length;
  }
}
