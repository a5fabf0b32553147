import type { MlopsError } from '../../errors.ts';
import type { DataPointer } from './pointer.ts';

/**
 * How a tracked path stands.
 * - `unchanged`: it holds what its pointer names.
 * - `modified`: it holds something that is saved nowhere.
 * - `outdated`: it holds an earlier or other state that is saved, so `checkout` may replace it.
 * - `missing`: nothing is there.
 * - `conflict`: two branches moved the pointer and nobody has settled it.
 * - `damaged`: the pointer, or what lies at the path, can't be read or may not be used.
 */
export type DataState = 'unchanged' | 'modified' | 'outdated' | 'missing' | 'conflict' | 'damaged';

export interface DataPathStatus {
  readonly path: string;
  readonly state: DataState;
  /** Undefined when it can't be used. */
  readonly pointer: DataPointer | undefined;
  /** Whether the bytes that the pointer names are in this clone. */
  readonly present: boolean;
  /** Files of a modified directory that differ from what the pointer names; relative to it, sorted. */
  readonly changes: readonly { readonly path: string; readonly change: 'added' | 'modified' | 'removed' }[];
  readonly problem: MlopsError | undefined;
}
