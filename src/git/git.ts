/** What a version records about the code it came from. Every member is absent when Git can't tell. */
export interface CodeState {
  /** Full commit id; absent before the first commit. */
  commit?: string;
  tree?: string;
  /** Absent when HEAD is detached. */
  branch?: string;
  /** True when a tracked file outside `.mlops` differs from the commit. */
  dirty: boolean;
  /** `sha256:` of `git diff HEAD --binary` outside `.mlops`; only when dirty. */
  diff?: string;
  /** Untracked, not ignored files outside `.mlops`. */
  untracked: number;
  /** The URL of `origin` (or the only remote) without user name, password or query. */
  remote?: string;
}

/** The little of Git that the product needs; every value passed in is treated as hostile. */
export interface Git {
  /** Absolute path of the work tree that holds `directory`, or undefined outside of Git or in a bare repository. */
  findRoot(directory: string): Promise<string | undefined>;
  codeState(): Promise<CodeState>;
  /** `Name <email>` from Git's configuration; undefined when unset. */
  identity(): Promise<string | undefined>;
  /** Adds exactly these paths (relative to the root) to the index. Paths that are ignored are an error. */
  stage(paths: readonly string[]): Promise<void>;
  /**
   * Commits exactly these paths and leaves whatever else is staged as it is; resolves to the commit id.
   * @throws MlopsError `GIT_FAILED` with git's own words
   */
  commit(paths: readonly string[], message: string): Promise<string>;
  /** `true` when the commit exists in this clone (it may not after a rebase or in a shallow clone). */
  hasCommit(commit: string): Promise<boolean>;
  /** The two sides of an unmerged path from the index, for naming both candidates of a conflicted pointer. */
  conflictSides(path: string): Promise<{ ours: string | undefined; theirs: string | undefined }>;
  /** Version of the git program, such as `2.39.5`. */
  version(): Promise<string>;
}
