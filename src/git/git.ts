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

/**
 * What leads to a commit. `worktree`: the HEAD of a work tree, or of a merge, rebase or pull that is in progress in this one.
 * `other`: any other ref. `reflog`: where a ref stood some time ago.
 */
export type ReferenceKind = 'branch' | 'remote-branch' | 'tag' | 'stash' | 'worktree' | 'other' | 'reflog';

export interface GitReference {
  kind: ReferenceKind;
  /** As people say it: `main`, `origin/main`, `v1.0`, `stash@{1}`, the path of a work tree, `MERGE_HEAD`. May hold anything. */
  name: string;
  /** Id of the commit, or of the tree when a tag names one. */
  commit: string;
}

export interface ResolvedObject {
  id: string;
  /** `commit`, `tree`, `blob` or `tag`. */
  type: string;
}

/** An entry of a tree or of the index. Regular files have the mode `100644` or `100755`. */
export interface TreeEntry {
  /** In `listTree` and `listIndex` relative to the root of the work tree; in `readTrees` one name. */
  path: string;
  /** Six octal digits. */
  mode: string;
  id: string;
}

/** A file of some commit. */
export interface HistoricFile {
  /** Of the blob. */
  id: string;
  /** Relative to the root of the work tree; one of them, where the same bytes had several. */
  path: string;
}

/** Branches and tags that a remote of Git has at this moment. */
export interface AdvertisedReferences {
  /** With the commits that they name, which this clone has. Those that name no commit and no tree are left out. */
  known: readonly GitReference[];
  /** Names of those whose objects are not in this clone. */
  unknown: readonly string[];
}

/** How the index differs from the commit that HEAD names. */
export interface StagedChange {
  /** Relative to the root of the work tree. */
  path: string;
  change: 'added' | 'modified' | 'deleted' | 'unmerged';
  /** What is staged; undefined when it was deleted or is unmerged. */
  entry: TreeEntry | undefined;
}

/** The little of Git that the product needs; every value passed in is treated as hostile. */
export interface Git {
  /** Absolute path of the work tree that holds `directory`, or undefined outside of Git or in a bare repository. */
  findRoot(directory: string): Promise<string | undefined>;
  codeState(): Promise<CodeState>;
  /** The bytes that `CodeState.diff` is the digest of; undefined when there are more than `limit`. */
  uncommitted(limit: number): Promise<Uint8Array | undefined>;
  /** `Name <email>` from Git's configuration; undefined when unset. */
  identity(): Promise<string | undefined>;
  /** Adds exactly these paths (relative to the root) to the index. Paths that are ignored are an error. */
  stage(paths: readonly string[]): Promise<void>;
  /** As `stage`, also for paths that are ignored: what is in the index once is not ignored any more. */
  stageIgnored(paths: readonly string[]): Promise<void>;
  /**
   * Commits exactly these paths and leaves whatever else is staged as it is; resolves to the commit id.
   * @throws MlopsError `GIT_FAILED` with git's own words
   */
  commit(paths: readonly string[], message: string): Promise<string>;
  /**
   * The file whose rule makes Git ignore a path (relative to the root), as Git names it: `data/.gitignore`, `.git/info/exclude`, or
   * an absolute path. Undefined when it is not ignored, as everything in the index is.
   */
  ignoredBy(path: string): Promise<string | undefined>;
  /** Those of the paths (relative to the root) that Git does not ignore, as it ignores nothing that is in the index. */
  notIgnored(paths: readonly string[]): Promise<string[]>;
  /** `true` when the commit exists in this clone (it may not after a rebase or in a shallow clone). */
  hasCommit(commit: string): Promise<boolean>;
  /** The two sides of an unmerged path from the index, for naming both candidates of a conflicted pointer. */
  conflictSides(path: string): Promise<{ ours: string | undefined; theirs: string | undefined }>;
  /**
   * Every branch, remote branch, tag and other ref, each entry of the stash (with its index and its untracked files), the HEAD of
   * each work tree, and what a merge or rebase in progress holds. One commit may be named several times.
   * @param options.reflogSince milliseconds since 1970: also wherever a ref stood since then
   * @throws MlopsError when any of it can't be listed
   */
  references(options?: { reflogSince?: number }): Promise<GitReference[]>;
  /**
   * The id of the tree that each commit (or tree) has under this path; commits that have nothing there are left out.
   * @throws RefusedError `UNSAFE_PATH` for a commit that has something else than a directory there
   */
  directoriesAt(commits: readonly string[], directory: string): Promise<ReadonlyMap<string, string>>;
  /**
   * The entries of each tree, not of the trees in them; each id is read once.
   * @throws IntegrityError `GIT_OBJECT_MISSING`
   */
  readTrees(ids: readonly string[]): Promise<ReadonlyMap<string, readonly TreeEntry[]>>;
  /** All files below a directory of a commit; empty when there is none. Symbolic links and submodules are listed as they are. */
  listTree(commit: string, directory: string): Promise<TreeEntry[]>;
  /** Those of these paths (relative to the root) that the commit HEAD names does not have; before the first commit, all. */
  absentFromHead(paths: readonly string[]): Promise<string[]>;
  /** All files of the index below a directory; of an unmerged path each side. */
  listIndex(directory: string): Promise<TreeEntry[]>;
  /** What would be committed below a directory, compared with HEAD; before the first commit, everything. */
  stagedChanges(directory: string): Promise<StagedChange[]>;
  /** Whether a rebase, or a series of patches, is being applied in this work tree. */
  isRebasing(): Promise<boolean>;
  /**
   * Gives the bytes of each blob to `visit`, in this order; nothing is fetched from anywhere.
   * @throws IntegrityError `GIT_OBJECT_MISSING`, also in a partial clone; UsageError `GIT_FAILED` beyond 64 MiB
   */
  readBlobs(ids: readonly string[], visit: (id: string, bytes: Uint8Array) => void): Promise<void>;
  /**
   * Commits that `tips` lead to and that neither `known` nor the remote-tracking branches of `remote` do: what a push of the tips
   * would add. Members of `known` that this clone does not have count as unknown.
   */
  newCommits(
    tips: readonly string[],
    than: { known?: readonly string[]; remote?: string },
  ): Promise<string[]>;
  /** Names of the configured remotes of Git of which this clone does not fetch every branch, as after `git clone --single-branch`. */
  partiallyFetched(): Promise<string[]>;
  /** Names of the configured remotes of Git. */
  remotes(): Promise<string[]>;
  /**
   * Asks a remote of Git over the network for its branches and tags. Fetches nothing.
   * @throws RemoteError `GIT_REMOTE_FAILED`
   */
  advertised(remote: string): Promise<AdvertisedReferences>;
  /** Every version of every file below a directory, in all commits that a ref, a HEAD, the stash or the reflog leads to; what a partial clone lacks is left out. */
  filesEver(directory: string): Promise<HistoricFile[]>;
  /** Version of the git program, such as `2.39.5`. */
  version(): Promise<string>;
}

/** The hooks this program can be. */
export const HOOKS = ['pre-commit', 'pre-push', 'post-checkout', 'post-merge'] as const;
export type HookName = (typeof HOOKS)[number];

/** Programs that manage hooks themselves; their files are never touched. */
export type HookTool = 'husky' | 'lefthook' | 'pre-commit';

export interface HookReport {
  hook: HookName;
  /**
   * - `active`: Git runs it.
   * - `outdated`: Git runs it, but `install` would write something else, since this program was updated or moved.
   * - `missing`: Git does not run it; `install` would write it.
   * - `manual`: Git does not run it before somebody did what `step` says.
   * - `blocked`: `install` can't write it without losing something; see `step`.
   */
  state: 'active' | 'outdated' | 'missing' | 'manual' | 'blocked';
  /** Absolute path of the file that Git runs. */
  file: string;
  /** Who starts our command: our own file, another tool, or a line in somebody's script. */
  via: 'file' | 'line' | HookTool | undefined;
  /** Another hook was there before; ours runs it first. */
  chained: boolean;
  /** What a person has to do, in whole lines. */
  step: string | undefined;
}

export interface HooksReport {
  /** Absolute path of the directory in which Git looks for hooks. */
  directory: string;
  /** `git`: in the repository's own directory. `work-tree`: among its files. `outside`: shared with other repositories. */
  location: 'git' | 'work-tree' | 'outside';
  hooks: readonly HookReport[];
}

export interface InstallHooksOptions {
  /** Write to a directory outside of this repository too. */
  shared?: boolean;
  /** Without paths of this machine: the program is looked for on PATH only. */
  portable?: boolean;
}

/** What became of the file of one hook. */
export interface HookChange {
  hook: HookName;
  change: 'written' | 'updated' | 'chained' | 'removed' | 'restored' | 'kept';
  /** Why it was kept. */
  reason?: string;
}

/** The files that make Git run this program. */
export interface GitHooks {
  status(): Promise<HooksReport>;
  /** Never overwrites what it did not write; twice is the same as once. */
  install(options?: InstallHooksOptions): Promise<HooksReport & { changes: readonly HookChange[] }>;
  /** What was there before is there again, byte for byte. */
  uninstall(): Promise<HooksReport & { changes: readonly HookChange[] }>;
}
