/**
 * Containers of blobs, lists of an artifact's files, and, on a remote only, where in the packs there an artifact's blobs lie, and which
 * runs were pushed. All immutable. Packs and manifests are named by the SHA-256 of their bytes.
 */
export type ObjectKind = 'packs' | 'manifests' | 'layouts' | 'runs';

export interface ObjectKey {
  readonly kind: ObjectKind;
  /**
   * 64 lower-case hexadecimal digits; of a layout those of the manifest, `-`, and the first 16 of the layout's own SHA-256; of pushed runs
   * any 32, `-`, and the first 16 of their own.
   */
  readonly name: string;
}

export interface ObjectInfo {
  readonly key: ObjectKey;
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since 1970 when the object came to be, by the clock of the place it is kept in; where the store knows it. */
  readonly modified?: number;
}

export interface ByteRange {
  readonly offset: number;
  readonly length: number;
  /** Memory of at least `length` bytes that a store may read into instead of taking fresh; the result is a view of it then. */
  readonly into?: Uint8Array;
}

/** `present`: the store already held these very bytes. `replaced`: it held damaged ones, now in quarantine. */
export type PutOutcome = 'stored' | 'present' | 'replaced';

/** SHA-256 as 64 hex digits, wherever it is computed. */
export type HashFunction = (bytes: Uint8Array) => Promise<string>;

export interface BatchOptions {
  /**
   * What `put` does with an object that is there under the name and holds other bytes. `replace`: quarantine it and store the right
   * bytes. `refuse`: IntegrityError `REMOTE_OBJECT_DAMAGED`, everything stays as it is.
   * Default `replace` for what belongs to this clone, `refuse` for a remote, which others use too.
   */
  onDamaged?: 'refuse' | 'replace';
  /** The objects are probably there already: a place far away is asked before the bytes are sent to it. */
  likelyThere?: boolean;
}

/**
 * Objects that are durable together: none counts as stored before `commit`. A disk also shows them together; a remote may show
 * each as soon as it is put, and keeps it when the batch is aborted, since an object that nothing refers to is harmless.
 */
export interface ObjectBatch {
  /**
   * Takes the bytes; the caller MUST NOT change them until this resolves, and an implementation MUST NOT look at them after
   * that. Applies back-pressure: it resolves when more may be put.
   * MUST fail with exit 3 when the bytes do not hash to the name, and MUST hash what is already there under that name
   * before it reports `present`.
   */
  put(key: ObjectKey, bytes: Uint8Array): Promise<PutOutcome>;
  /**
   * As `put`, under the name that the bytes hash to, which it resolves to: for a writer that has just made the bytes, so that
   * they are hashed once and not twice. `hash` defaults to the thread pool's.
   */
  store(kind: ObjectKind, bytes: Uint8Array, hash?: HashFunction): Promise<string>;
  /** After it resolves every object of the batch survives a crash and a power loss. */
  commit(): Promise<void>;
  /** Removes what the batch left behind, as far as it can; idempotent, never throws, harmless after `commit`. */
  abort(): Promise<void>;
}

/**
 * A place where objects live: this disk, memory, S3 or a mounted directory. Every implementation and every decorator
 * passes `tests/storage/object-store.suite.ts`.
 */
export interface ObjectStore {
  batch(options?: BatchOptions): ObjectBatch;
  /**
   * The object's bytes, or the range of them.
   * @throws IntegrityError `OBJECT_MISSING` when it is not there, `OBJECT_DAMAGED` when the range lies outside it or fewer
   * bytes come than asked for. A whole object MUST be hashed before it is returned; a range can't be, so the caller
   * hashes the blobs in it.
   */
  get(key: ObjectKey, range?: ByteRange): Promise<Uint8Array>;
  /** Size as the store itself says it now, or undefined. Never answered from an index. */
  stat(key: ObjectKey): Promise<ObjectInfo | undefined>;
  /**
   * Every object of the kind whose name starts with `prefix` (default: all), in any order. MUST fail rather than leave out what
   * could not be listed.
   */
  list(kind: ObjectKind, prefix?: string): AsyncIterable<ObjectInfo>;
  /** False when there was none. */
  delete(key: ObjectKey): Promise<boolean>;
  /** Moves damaged bytes out of the way and keeps them with the reason; resolves to where they are. */
  quarantine(key: ObjectKey, reason: string): Promise<string>;
  /**
   * Whether the place itself refuses a second object of a name, so that two writers can't overwrite each other. Asked of the place,
   * once; absent where it is a matter of course.
   */
  createOnly?(): Promise<boolean>;
  /** Set by whoever wants to hear, before each further attempt, that a store which repeats failed requests itself had to. */
  onRetry?: ((error: unknown) => void) | undefined;
}
