import type { PackTable } from '../blob-segment.ts';
import type { EncodedBlob } from '../compression.ts';
import type { HashThread, SharedBytes } from '../hash-thread.ts';
import type { HashFunction, ObjectBatch, ObjectStore } from '../object-store.ts';
import { PackBuilder } from '../pack.ts';

/** Each pack under way holds its bytes, a copy being hashed and a copy read back: memory is what limits this. */
const PACKS_IN_FLIGHT = 2;

/** Takes blobs one by one and hands full packs to a batch, which writes them while the next one fills. */
export class PackWriter {
  readonly tables: PackTable[] = [];
  readonly #batch: ObjectBatch | undefined;
  readonly #hash: HashFunction | undefined;
  readonly #flights = new Set<Promise<void>>();
  /** Memory of written packs: fresh memory for every pack would have to be cleared by the kernel first. */
  readonly #spare: SharedBytes[] = [];
  #builder: PackBuilder | undefined;
  #failure: { error: unknown } | undefined;
  #storedBytes = 0;

  /**
   * @param batch undefined for a dry run: everything is computed, nothing written
   * @param thread hashes the packs
   */
  constructor(batch: ObjectBatch | undefined, thread?: HashThread) {
    this.#batch = batch;
    this.#hash = thread === undefined ? undefined : (bytes) => thread.hash(bytes);
  }

  /** Bytes of all blobs as they are stored. */
  get storedBytes(): number {
    return this.#storedBytes;
  }

  /** Copies the bytes. Call {@link ready} before the next large one. */
  add(blob: { id: string; length: number }, { encoding, stored }: EncodedBlob): void {
    this.#storedBytes += stored.length;
    if (this.#batch === undefined) return;
    this.#builder ??= new PackBuilder(this.#spare.pop());
    const { id, length } = blob;
    this.#builder.add({ id, length, encoding, storedLength: stored.length }, stored);
    if (this.#builder.isFull) this.#flush(this.#batch);
  }

  /** True when {@link ready} would wait or throw. */
  get busy(): boolean {
    return this.#failure !== undefined || this.#flights.size >= PACKS_IN_FLIGHT;
  }

  /** Resolves when there is room for another pack. @throws what writing an earlier pack threw */
  async ready(): Promise<void> {
    while (this.#flights.size >= PACKS_IN_FLIGHT) await Promise.race(this.#flights);
    this.#rethrow();
  }

  /** Writes the last pack and waits for all; afterwards `tables` is complete and the batch can be committed. */
  async finish(): Promise<void> {
    if (this.#batch !== undefined) this.#flush(this.#batch);
    await this.settle();
    this.#rethrow();
  }

  /** Waits until nothing is under way, so that a batch can be aborted. Never throws. */
  async settle(): Promise<void> {
    while (this.#flights.size > 0) await Promise.all(this.#flights);
  }

  #flush(batch: ObjectBatch): void {
    const builder = this.#builder;
    this.#builder = undefined;
    if (builder === undefined) return;
    const flight = this.#write(batch, builder)
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#flights.delete(flight));
    this.#flights.add(flight);
  }

  async #write(batch: ObjectBatch, builder: PackBuilder): Promise<void> {
    const bytes = builder.finish();
    const name = await batch.store('packs', bytes, this.#hash);
    this.tables.push({ name, size: bytes.length, entries: builder.entries });
    this.#spare.push(builder.memory);
  }

  #rethrow(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

/**
 * Writes blobs into new packs that become durable together, or not at all.
 * @param fill adds the blobs, waiting for `ready` in between
 * @returns the tables of the packs
 */
export async function writePacks(
  objects: ObjectStore,
  fill: (writer: PackWriter) => Promise<void>,
): Promise<readonly PackTable[]> {
  const batch = objects.batch();
  const writer = new PackWriter(batch);
  try {
    await fill(writer);
    await writer.finish();
    await batch.commit();
    return writer.tables;
  } catch (error) {
    await writer.settle();
    await batch.abort();
    throw error;
  }
}
