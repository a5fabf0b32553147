import type { MlopsError } from '../../errors.ts';
import type { StoreProgress } from '../../storage/artifact-store.ts';
import type { DataPointer } from './pointer.ts';

export interface CheckoutRequest extends StoreProgress {
  /** Tracked paths, or directories that hold some, relative to the Git root with `/`; default all. */
  paths?: readonly string[];
  /** Overwrite and remove local changes that are saved nowhere. */
  force?: boolean;
  /** Never ask a remote for what is missing here. */
  cachedOnly?: boolean;
  /** Name of the remote to fetch from; default the default one. */
  remote?: string | undefined;
  signal?: AbortSignal;
}

/** What became of one tracked path. */
export type CheckedOut =
  | {
      readonly outcome: 'restored' | 'unchanged';
      readonly pointer: DataPointer;
      /** Files written and removed. */
      readonly written: number;
      readonly removed: number;
    }
  /** Nothing of this path was touched. */
  | { readonly outcome: 'failed'; readonly path: string; readonly problem: MlopsError };
