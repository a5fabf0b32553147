/** One small file of a directory, read only when `read` is called. */
export interface DocumentFile {
  /** File name without its directory. */
  readonly name: string;
  /**
   * Changes whenever the file may have changed: size, mtime and ctime in nanoseconds, inode. `undefined` when the file is
   * so young that a change within the clock's granularity could go unseen; such a file must be read.
   */
  readonly fingerprint: string | undefined;
  /** @throws MlopsError when the file can't be read */
  read(): Uint8Array;
}

export interface WriteDocumentOptions {
  /** Called at the last moment, when the bytes are on the disk and only the name is missing; what it throws undoes the write. */
  beforeNaming?: () => Promise<void>;
}

/**
 * The small files below `.mlops`. Paths are relative, with `/`, and already validated names; an implementation still
 * refuses (exit 4) whatever leaves its root or passes a symbolic link.
 */
export interface DocumentStore {
  /** Resolves to the bytes, or undefined when there is no such file. MUST fail for anything that is no regular file. */
  read(path: string): Promise<Uint8Array | undefined>;

  /**
   * The regular files whose name ends in `.json`, sorted by name; an absent directory is empty. Which files there are MUST be
   * settled before this returns its promise: readers rely on the order in which they look at directories.
   */
  readDirectory(directory: string): Promise<DocumentFile[]>;

  /** Names of the sub-directories, sorted; an absent directory has none. */
  listDirectories(directory: string): Promise<string[]>;

  /**
   * Replaces or creates a file durably: after it resolves, a crash or power loss leaves the new bytes; before that, the old
   * ones or none. MUST leave the old file untouched when it fails.
   */
  write(path: string, bytes: Uint8Array, options?: WriteDocumentOptions): Promise<void>;

  /** As `write`, but resolves to false and changes nothing when the file exists. */
  create(path: string, bytes: Uint8Array, options?: WriteDocumentOptions): Promise<boolean>;

  /** Removes a file durably; false when there was none. */
  remove(path: string): Promise<boolean>;

  /**
   * Keeps something that can be made again at any time. MUST NOT fail: a read-only or full disk only costs time. Not
   * durable. `undefined` from `readCache` when there is nothing usable.
   */
  writeCache(name: string, bytes: Uint8Array): Promise<void>;
  readCache(name: string): Promise<Uint8Array | undefined>;
}
