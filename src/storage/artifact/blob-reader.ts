import { IntegrityError, MlopsError } from '../../errors.ts';
import type { BlobIndex, BlobLocation } from '../blob-index.ts';
import { decodeBlob } from '../compression.ts';
import { sha256HexInPool } from '../digest.ts';
import { BRING_BACK } from '../object-errors.ts';
import type { ObjectStore } from '../object-store.ts';

/** Reading ahead: little when an access looks random, more when it continues where the last one of that pack ended. */
const FIRST_WINDOW = 256 * 1024;
const SEQUENTIAL_WINDOW = 4 * 1024 * 1024;
const WINDOWS = 4;

interface Window {
  pack: string;
  start: number;
  end: number;
  bytes: Promise<Uint8Array<ArrayBuffer>>;
}

export interface DamagedPack {
  pack: string;
  problem: string;
}

/** Reads blobs out of packs; whatever it returns hashes to the id that was asked for. */
export class BlobReader {
  /** Packs in which something was found wrong, by name, with what it was. */
  readonly damaged = new Map<string, string>();
  readonly #objects: ObjectStore;
  readonly #index: BlobIndex;
  readonly #windows: Window[] = [];

  constructor(objects: ObjectStore, index: BlobIndex) {
    this.#objects = objects;
    this.#index = index;
  }

  /**
   * The blob's bytes from the first pack whose copy is good.
   * @throws IntegrityError `OBJECT_MISSING` when no pack has it, `OBJECT_DAMAGED` when every copy is bad; LocalIoError when one can't be
   * read, which says nothing about its bytes
   */
  async read(id: string): Promise<Uint8Array<ArrayBuffer>> {
    const locations = this.#index.findAll(id);
    let failure: MlopsError | undefined;
    for (const location of locations) {
      try {
        const bytes = await decodeBlob(await this.stored(location), location);
        if ((await sha256HexInPool(bytes)) === id) return bytes;
        throw new IntegrityError(
          'OBJECT_DAMAGED',
          `blob ${id} in pack ${location.pack} does not hash to its id`,
        );
      } catch (error) {
        if (!(error instanceof MlopsError)) throw error;
        if (error instanceof IntegrityError) this.damaged.set(location.pack, error.message);
        failure = error;
      }
    }
    if (failure instanceof IntegrityError) {
      throw new IntegrityError('OBJECT_DAMAGED', `every copy of blob ${id} is damaged: ${failure.message}`, {
        hint: BRING_BACK,
        cause: failure,
      });
    }
    if (failure !== undefined) throw failure;
    throw new IntegrityError('OBJECT_MISSING', `blob ${id} is in no pack here`, {
      hint: BRING_BACK,
    });
  }

  /**
   * Compares bytes in hand with the stored copies of the same id. Cheaper than hashing the copy, and as strong, since the
   * bytes in hand are what was hashed.
   * @returns undefined when one copy is equal, else the first bad one
   * @throws LocalIoError when no copy is equal and one can't be read: a pack is not damaged because there are too many open files
   */
  async findDamage(locations: readonly BlobLocation[], bytes: Uint8Array): Promise<DamagedPack | undefined> {
    let damage: DamagedPack | undefined;
    let failure: MlopsError | undefined;
    for (const location of locations) {
      let problem = `blob ${location.id} is not what it was`;
      try {
        const copy = await decodeBlob(await this.stored(location), location);
        if (Buffer.compare(copy, bytes) === 0) return undefined;
      } catch (error) {
        if (!(error instanceof MlopsError)) throw error;
        if (!(error instanceof IntegrityError)) failure = error;
        problem = error.message;
      }
      damage ??= { pack: location.pack, problem };
    }
    if (failure !== undefined) throw failure;
    return damage;
  }

  /** The bytes as they are in the pack, unverified. */
  async stored(location: BlobLocation): Promise<Uint8Array<ArrayBuffer>> {
    const { pack, offset, storedLength } = location;
    const window = this.#windowOf(location);
    const bytes = await window.bytes;
    const start = offset - window.start;
    if (start + storedLength <= bytes.length) return bytes.subarray(start, start + storedLength);
    return this.#objects.get({ kind: 'packs', name: pack }, { offset, length: storedLength }) as Promise<
      Uint8Array<ArrayBuffer>
    >;
  }

  #windowOf({ pack, offset, storedLength }: BlobLocation): Window {
    const end = offset + storedLength;
    const known = this.#windows.findIndex(
      (each) => each.pack === pack && each.start <= offset && end <= each.end,
    );
    if (known >= 0) {
      const [window] = this.#windows.splice(known, 1) as [Window];
      this.#windows.push(window);
      return window;
    }
    const size = this.#index.packs.get(pack) ?? end;
    const follows = this.#windows.some(
      (each) => each.pack === pack && offset >= each.start && offset <= each.end + FIRST_WINDOW,
    );
    const ahead = follows ? SEQUENTIAL_WINDOW : FIRST_WINDOW;
    const stop = Math.max(end, Math.min(size, offset + ahead));
    const bytes = this.#objects.get(
      { kind: 'packs', name: pack },
      { offset, length: stop - offset },
    ) as Promise<Uint8Array<ArrayBuffer>>;
    bytes.catch(() => undefined);
    const window = { pack, start: offset, end: stop, bytes };
    this.#windows.push(window);
    if (this.#windows.length > WINDOWS) this.#windows.shift();
    return window;
  }
}
