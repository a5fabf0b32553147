import type { Config } from '../../config/schema.ts';
import type { Git } from '../../git/git.ts';
import type { ArtifactStore } from '../../storage/artifact-store.ts';
import type { BundleFiles } from '../../storage/bundle-files.ts';
import type { CommitLock } from '../../storage/commit-lock.ts';
import type { DocumentStore } from '../../storage/document-store.ts';

/** An open repository: everything a use-case needs of the outside world. Expensive members are memoised functions. */
export interface Repository {
  /** Absolute, real path of the work tree that holds `.mlops`. */
  readonly root: string;
  readonly documents: DocumentStore;
  readonly lock: CommitLock;
  readonly config: Config;
  /** Entries of `requiredFeatures` that this program can't write; with any of them every write is refused. */
  readonly unknownFeatures: readonly string[];
  artifacts(): Promise<ArtifactStore>;
  bundles(): Promise<BundleFiles>;
  git(): Promise<Git>;
  now(): Date;
  /** Who acts: `MLOPS_ACTOR`, else Git's identity, else `user@host`. */
  actor(): Promise<string>;
  /** Name and version of this program, as written into events. */
  readonly tool: string;
  readonly host: string;
  readonly environment: { node: string; platform: string; arch: string };
}
