import { PackWriter } from '../artifact/pack-writer.ts';
import type { BlobIndex } from '../blob-index.ts';
import type { EncodedBlob } from '../compression.ts';
import type { ObjectBatch, ObjectStore } from '../object-store.ts';

/** So much is lost at most when the process is killed. */
const COMMIT_AFTER = 64 * 1024 * 1024;

/** Writes single blobs into packs of this clone. */
export class FetchedBlobs {
  readonly #objects: ObjectStore;
  readonly #index: BlobIndex;
  #open: { batch: ObjectBatch; writer: PackWriter } | undefined;
  #turn: Promise<void> = Promise.resolve();

  constructor(objects: ObjectStore, index: BlobIndex) {
    this.#objects = objects;
    this.#index = index;
  }

  /** Resolves when the bytes may be reused; one blob after another, in the order of the calls. @throws LocalIoError */
  add(blob: { id: string; length: number }, encoded: EncodedBlob): Promise<void> {
    const turn = this.#turn.then(() => this.#write(blob, encoded));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  /** Makes durable what came so far. */
  async commit(): Promise<void> {
    await this.#turn;
    const open = this.#open;
    this.#open = undefined;
    if (open === undefined) return;
    try {
      await open.writer.finish();
      await open.batch.commit();
    } catch (error) {
      await open.writer.settle();
      await open.batch.abort();
      throw error;
    }
    this.#index.add(open.writer.tables);
  }

  async #write(blob: { id: string; length: number }, encoded: EncodedBlob): Promise<void> {
    if (this.#open === undefined) {
      const batch = this.#objects.batch();
      this.#open = { batch, writer: new PackWriter(batch) };
    }
    const { writer } = this.#open;
    writer.add(blob, encoded);
    await writer.ready();
    if (writer.storedBytes < COMMIT_AFTER) return;
    // `commit` waits for its turn, which is this one.
    const open = this.#open;
    this.#open = undefined;
    await open.writer.finish();
    await open.batch.commit();
    this.#index.add(open.writer.tables);
  }
}
