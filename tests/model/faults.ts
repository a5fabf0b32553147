import { LocalIoError, RemoteError } from '../../src/errors.ts';
import type { DocumentStore } from '../../src/storage/document-store.ts';
import type { ObjectBatch, ObjectStore } from '../../src/storage/object-store.ts';

export type FaultPlace = 'objects' | 'documents' | 'remote' | 'remote-read';

/** What strikes the nth write (of the remote also: read) of a command in one place. */
export interface FaultPlan {
  place: FaultPlace;
  nth: number;
  /** `fail`: this one operation reports an error. `die`: so does every later one of the process, everywhere. */
  how: 'fail' | 'die';
  /** The operation was done, and only nobody learnt of it. */
  after: boolean;
}

/** The process is no more; nothing may catch this and go on. */
export class ProcessDied extends Error {}

/** What can go wrong in the stores of one clone, and the moment at which somebody else comes in between. */
export class Faults {
  #plan: FaultPlan | undefined;
  #count = 0;
  #isDead = false;
  #struck = false;
  #visitor: { left: number; visit: () => Promise<void> } | undefined;

  get struck(): boolean {
    return this.#struck;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  arm(plan: FaultPlan | undefined): void {
    this.#plan = plan;
    this.#count = 0;
    this.#isDead = false;
    this.#struck = false;
  }

  /** Before the operation of this number on the remote, somebody else does something. */
  interrupt(nth: number, visit: () => Promise<void>): void {
    this.#visitor = { left: nth, visit };
  }

  /** Whether the visitor came. */
  endInterrupt(): boolean {
    const came = this.#visitor?.left === 0;
    this.#visitor = undefined;
    return came;
  }

  async run<T>(place: FaultPlace, operation: () => Promise<T>): Promise<T> {
    if (this.#isDead) throw new ProcessDied(place);
    if (place.startsWith('remote')) await this.#meet();
    const plan = this.#plan;
    if (plan?.place !== place) return operation();
    this.#count += 1;
    if (this.#count !== plan.nth) return operation();
    this.#struck = true;
    if (plan.how === 'die') this.#isDead = true;
    if (plan.after) await operation();
    throw this.#error(plan);
  }

  async #meet(): Promise<void> {
    const visitor = this.#visitor;
    if (visitor === undefined || visitor.left === 0) return;
    visitor.left -= 1;
    if (visitor.left === 0) await visitor.visit();
  }

  #error({ how, place }: FaultPlan): Error {
    if (how === 'die') return new ProcessDied(place);
    if (place.startsWith('remote')) return new RemoteError('REMOTE_FAILED', 'injected: the remote failed');
    return new LocalIoError('IO_FAILED', `injected: ${place} failed`);
  }
}

export function faultyObjects(store: ObjectStore, faults: Faults, place: 'objects' | 'remote'): ObjectStore {
  const write = <T>(operation: () => Promise<T>): Promise<T> => faults.run(place, operation);
  const read = <T>(operation: () => Promise<T>): Promise<T> =>
    place === 'remote' ? faults.run('remote-read', operation) : faults.run('objects', operation);
  return {
    batch(options): ObjectBatch {
      const batch = store.batch(options);
      return {
        put: (key, bytes) => write(() => batch.put(key, bytes)),
        store: (kind, bytes, hash) => write(() => batch.store(kind, bytes, hash)),
        commit: () => write(() => batch.commit()),
        abort: () => batch.abort(),
      };
    },
    get: (key, range) => read(() => store.get(key, range)),
    stat: (key) => read(() => store.stat(key)),
    async *list(kind, prefix) {
      await read(() => Promise.resolve());
      yield* store.list(kind, prefix);
    },
    delete: (key) => write(() => store.delete(key)),
    quarantine: (key, reason) => write(() => store.quarantine(key, reason)),
  };
}

export function faultyDocuments(store: DocumentStore, faults: Faults): DocumentStore {
  return {
    ...store,
    write: (path, bytes, options) => faults.run('documents', () => store.write(path, bytes, options)),
    create: (path, bytes, options) => faults.run('documents', () => store.create(path, bytes, options)),
    remove: (path) => faults.run('documents', () => store.remove(path)),
  };
}
