import { sha256HexInPool } from '../digest.ts';
import {
  alteredBytes,
  assertObjectName,
  damagedObject,
  damagedOnRemote,
  isNamedBy,
  missingObject,
  objectPath,
} from '../object-errors.ts';
import type {
  BatchOptions,
  ByteRange,
  ObjectBatch,
  ObjectInfo,
  ObjectKey,
  ObjectKind,
  ObjectStore,
  PutOutcome,
} from '../object-store.ts';

/** Objects in memory, for tests and for what never has to last. */
export class MemoryObjectStore implements ObjectStore {
  readonly #objects = new Map<string, { key: ObjectKey; bytes: Uint8Array<ArrayBuffer>; modified: number }>();
  readonly #quarantined = new Map<string, { bytes: Uint8Array; reason: string }>();

  batch({ onDamaged = 'replace' }: BatchOptions = {}): ObjectBatch {
    const publish = (key: ObjectKey, bytes: Uint8Array<ArrayBuffer>): void =>
      void this.#objects.set(objectPath(key), { key, bytes, modified: Date.now() });
    return new MemoryObjectBatch(this, { publish, onDamaged });
  }

  async get(key: ObjectKey, range?: ByteRange): Promise<Uint8Array<ArrayBuffer>> {
    assertObjectName(key);
    const bytes = this.#objects.get(objectPath(key))?.bytes;
    if (bytes === undefined) throw missingObject(key);
    if (range === undefined) {
      if (!isNamedBy(key, await sha256HexInPool(bytes)))
        throw damagedObject(key, 'its bytes do not hash to its name');
      return new Uint8Array(bytes);
    }
    const { offset, length } = range;
    if (offset < 0 || length < 0 || offset + length > bytes.length) {
      throw damagedObject(key, `bytes ${offset} to ${offset + length} lie outside its ${bytes.length} bytes`);
    }
    return new Uint8Array(bytes.subarray(offset, offset + length));
  }

  stat(key: ObjectKey): Promise<ObjectInfo | undefined> {
    return Promise.resolve().then(() => {
      assertObjectName(key);
      const found = this.#objects.get(objectPath(key));
      return found && { key, size: found.bytes.length, modified: found.modified };
    });
  }

  async *list(kind: ObjectKind, prefix = ''): AsyncIterable<ObjectInfo> {
    for (const { key, bytes, modified } of Array.from(this.#objects.values())) {
      if (key.kind === kind && key.name.startsWith(prefix)) yield { key, size: bytes.length, modified };
    }
  }

  delete(key: ObjectKey): Promise<boolean> {
    return Promise.resolve().then(() => {
      assertObjectName(key);
      return this.#objects.delete(objectPath(key));
    });
  }

  quarantine(key: ObjectKey, reason: string): Promise<string> {
    return Promise.resolve().then(() => {
      assertObjectName(key);
      const found = this.#objects.get(objectPath(key));
      if (found === undefined) throw missingObject(key);
      this.#objects.delete(objectPath(key));
      const place = `quarantine/${key.kind}-${key.name}-${this.#quarantined.size}`;
      this.#quarantined.set(place, { bytes: found.bytes, reason });
      return place;
    });
  }

  /** Overwrites an object's bytes without any check, as a failing disk does. */
  damage(key: ObjectKey, bytes: Uint8Array<ArrayBuffer>): void {
    this.#objects.set(objectPath(key), { key, bytes: new Uint8Array(bytes), modified: Date.now() });
  }

  /** Makes every object that is there now look as old as this. @param modified milliseconds since 1970 */
  age(modified: number): void {
    for (const object of this.#objects.values()) object.modified = modified;
  }
}

class MemoryObjectBatch implements ObjectBatch {
  readonly #store: MemoryObjectStore;
  readonly #publish: (key: ObjectKey, bytes: Uint8Array<ArrayBuffer>) => void;
  readonly #onDamaged: 'refuse' | 'replace';
  #pending = new Map<string, { key: ObjectKey; bytes: Uint8Array<ArrayBuffer> }>();

  constructor(
    store: MemoryObjectStore,
    options: {
      publish: (key: ObjectKey, bytes: Uint8Array<ArrayBuffer>) => void;
      onDamaged: 'refuse' | 'replace';
    },
  ) {
    this.#store = store;
    this.#publish = options.publish;
    this.#onDamaged = options.onDamaged;
  }

  async put(key: ObjectKey, bytes: Uint8Array<ArrayBuffer>): Promise<PutOutcome> {
    assertObjectName(key);
    if (!isNamedBy(key, await sha256HexInPool(bytes))) throw alteredBytes(key);
    const path = objectPath(key);
    if (this.#pending.has(path)) return 'present';
    let outcome: PutOutcome = 'stored';
    if ((await this.#store.stat(key)) !== undefined) {
      try {
        await this.#store.get(key);
        return 'present';
      } catch (error) {
        if (this.#onDamaged === 'refuse') throw damagedOnRemote(key, 'its bytes do not hash to its name');
        await this.#store.quarantine(key, error instanceof Error ? error.message : 'damaged');
        outcome = 'replaced';
      }
    }
    this.#pending.set(path, { key, bytes: new Uint8Array(bytes) });
    return outcome;
  }

  async store(kind: ObjectKind, bytes: Uint8Array<ArrayBuffer>): Promise<string> {
    const name = await sha256HexInPool(bytes);
    await this.put({ kind, name }, bytes);
    return name;
  }

  commit(): Promise<void> {
    for (const { key, bytes } of this.#pending.values()) this.#publish(key, bytes);
    this.#pending = new Map();
    return Promise.resolve();
  }

  abort(): Promise<void> {
    this.#pending = new Map();
    return Promise.resolve();
  }
}
