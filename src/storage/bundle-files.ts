/** One member of a bundle: a plain name such as `packs/<hex>`, and its bytes. */
export interface BundleEntry {
  name: string;
  bytes: Uint8Array;
}

export interface WrittenBundle {
  /** `sha256:<64 hex>` of the bundle file. */
  digest: string;
  /** Bytes. */
  size: number;
}

/** Bundle files: a gzip-compressed tar of regular files, for carrying a version to a place without a remote. */
export interface BundleFiles {
  /**
   * Writes a bundle so that `path` appears complete or not at all.
   * @throws ConflictError `TARGET_EXISTS` unless `force`; LocalIoError
   */
  write(
    path: string,
    options: { force: boolean; produce(add: (entry: BundleEntry) => Promise<void>): Promise<void> },
  ): Promise<WrittenBundle>;

  /**
   * Reads a hostile bundle entry by entry, in order. Nothing is extracted: the bytes go to `onEntry` and nowhere else.
   * @throws UsageError `SOURCE_MISSING`, `BUNDLE_INVALID`; RefusedError `UNSAFE_BUNDLE` for links, devices, paths, and sizes or
   * counts beyond the limits
   */
  read(path: string, onEntry: (entry: BundleEntry) => Promise<void>): Promise<WrittenBundle>;
}
