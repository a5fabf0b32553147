import type { Config } from '../../config/schema.ts';
import type { Git } from '../../git/git.ts';
import type { ArtifactStore } from '../../storage/artifact-store.ts';
import type { BundleFiles } from '../../storage/bundle-files.ts';
import type { CommitLock } from '../../storage/commit-lock.ts';
import type { DocumentStore } from '../../storage/document-store.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import type { RunFiles } from '../../storage/run-files.ts';

/** A remote that was asked for by name, ready to be used; nothing was sent yet. */
export interface OpenRemote {
  readonly name: string;
  /** `s3://bucket/prefix` or a directory, without credentials. */
  readonly url: string;
  /** What messages call it: the URL, and the host where an endpoint is configured. */
  readonly description: string;
  /**
   * Whether this clone may write there without asking: its URL and endpoint stand in local.json, or were confirmed.
   * A committed config alone never makes it so.
   */
  readonly trusted: boolean;
  /**
   * Where the remote is not trusted and chooses which credentials go where, its first request asks the person; a no is RefusedError
   * `REMOTE_NOT_TRUSTED`.
   */
  readonly objects: ObjectStore;
  /** The person agreed, so `objects` does not ask while this command runs. */
  allow(): void;
}

/** An open repository: everything a use-case needs of the outside world. Expensive members are memoised functions. */
export interface Repository {
  /** Absolute, real path of the work tree that holds `.mlops`. */
  readonly root: string;
  readonly documents: DocumentStore;
  /** The small files of the work tree that this program edits, such as `.gitignore`; as strict about links as `documents`. */
  readonly workTree: DocumentStore;
  readonly lock: CommitLock;
  readonly config: Config;
  /** Entries of `requiredFeatures` that this program can't write; with any of them every write is refused. */
  readonly unknownFeatures: readonly string[];
  artifacts(): Promise<ArtifactStore>;
  bundles(): Promise<BundleFiles>;
  /** The files of experiment runs. */
  runFiles(): Promise<RunFiles>;
  /**
   * The remote of that name, or the default one.
   * @throws UsageError `REMOTE_NOT_FOUND`, `NO_REMOTE`, `REMOTE_URL_INVALID`
   */
  remote(name?: string): Promise<OpenRemote>;
  git(): Promise<Git>;
  now(): Date;
  /** Who acts: `MLOPS_ACTOR`, else Git's identity, else `user@host`. */
  actor(): Promise<string>;
  /** Name and version of this program, as written into events. */
  readonly tool: string;
  readonly host: string;
  readonly environment: { node: string; platform: string; arch: string };
}
