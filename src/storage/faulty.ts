import { sha256Hex } from './digest.ts';
import type {
  BatchOptions,
  ByteRange,
  ObjectBatch,
  ObjectInfo,
  ObjectKey,
  ObjectKind,
  ObjectStore,
  PutOutcome,
} from './object-store.ts';

export type FaultyCall = 'put' | 'commit' | 'get' | 'stat' | 'list' | 'delete' | 'quarantine';

/** What goes wrong in one call: a system error, or the bytes on their way. */
export type Fault = { errno: string } | 'flip-last-byte' | 'truncate';

/** One entry of a fault script: the `nth` call of a kind, counted from 1. */
export interface ScriptedFault {
  call: FaultyCall;
  nth: number;
  fault: Fault;
}

/** Fails as a script says and keeps a log of the calls. For tests of everything above an object store. */
export class FaultyObjectStore implements ObjectStore {
  /** Every call in order, as `put packs/<name>`, `commit`, `get manifests/<name>` ... */
  readonly log: string[] = [];
  readonly #store: ObjectStore;
  readonly #script: readonly ScriptedFault[];
  readonly #counts = new Map<FaultyCall, number>();

  constructor(store: ObjectStore, script: readonly ScriptedFault[] = []) {
    this.#store = store;
    this.#script = script;
  }

  batch(options?: BatchOptions): ObjectBatch {
    const batch = this.#store.batch(options);
    return {
      put: async (key, bytes): Promise<PutOutcome> => batch.put(key, spoil(bytes, this.#enter('put', key))),
      // Named before the fault strikes, as a bit may flip in memory at any time after.
      store: async (kind, bytes): Promise<string> => {
        const name = sha256Hex(bytes);
        const key = { kind, name };
        await batch.put(key, spoil(bytes, this.#enter('put', key)));
        return name;
      },
      commit: async () => {
        this.#enter('commit');
        await batch.commit();
      },
      abort: () => batch.abort(),
    };
  }

  async get(key: ObjectKey, range?: ByteRange): Promise<Uint8Array> {
    const fault = this.#enter('get', key);
    return spoil(await this.#store.get(key, range), fault);
  }

  async stat(key: ObjectKey): Promise<ObjectInfo | undefined> {
    this.#enter('stat', key);
    return this.#store.stat(key);
  }

  async *list(kind: ObjectKind, prefix?: string): AsyncIterable<ObjectInfo> {
    this.#enter('list');
    yield* this.#store.list(kind, prefix);
  }

  async delete(key: ObjectKey): Promise<boolean> {
    this.#enter('delete', key);
    return this.#store.delete(key);
  }

  async quarantine(key: ObjectKey, reason: string): Promise<string> {
    this.#enter('quarantine', key);
    return this.#store.quarantine(key, reason);
  }

  /** Logs the call and throws the scripted system error; a fault of the bytes is returned for the caller to apply. */
  #enter(call: FaultyCall, key?: ObjectKey): Fault | undefined {
    const nth = (this.#counts.get(call) ?? 0) + 1;
    this.#counts.set(call, nth);
    this.log.push(key === undefined ? call : `${call} ${key.kind}/${key.name}`);
    const fault = this.#script.find((each) => each.call === call && each.nth === nth)?.fault;
    if (typeof fault !== 'object') return fault;
    throw Object.assign(new Error(`${fault.errno}: scripted fault in ${call} number ${nth}`), {
      code: fault.errno,
    });
  }
}

function spoil(bytes: Uint8Array, fault: Fault | undefined): Uint8Array {
  if (fault === 'truncate') return bytes.subarray(0, Math.max(0, bytes.length - 1));
  if (fault !== 'flip-last-byte' || bytes.length === 0) return bytes;
  const changed = new Uint8Array(bytes);
  changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
  return changed;
}
