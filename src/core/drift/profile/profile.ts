import type { ColumnSummary, PinnedColumn } from '../summary.ts';

/** What drift checks need of a data set, without its rows: `mlops.profile/1` of docs/format.md section 6.5 in memory. */
export interface Profile {
  readonly rows: number;
  /** null where nobody counted them. */
  readonly duplicates: { readonly rows: number; readonly exact: boolean } | null;
  /** How levels of categorical columns were hashed; null where they are written as they are. */
  readonly labels: LabelScheme | null;
  /** No listed level or value, and no step between knots, has fewer rows; null where rare values are shown. */
  readonly minCount: number | null;
  /** In the order of the data; names are unique. */
  readonly columns: readonly ProfileColumn[];
}

export interface LabelScheme {
  readonly scheme: 'sha256' | 'hmac-sha256';
  /** Tells one key from another without giving it away; undefined for the unkeyed scheme. */
  readonly key: string | undefined;
}

export interface ProfileColumn {
  readonly name: string;
  /** null where every cell is null, and for skipped columns. */
  readonly pin: PinnedColumn | null;
  /** A person chose the type. */
  readonly pinned: boolean;
  /** Why the values can't be compared; undefined for every other column. */
  readonly skipped: string | undefined;
  /** null where `pin` is. Of its distribution `values` are knots and `error` is above 0. */
  readonly summary: ColumnSummary | null;
  /** Of text columns: the sum of the compared lengths; 0 for others. */
  readonly characters: number;
}

export const PROFILE_SCHEMA = 'mlops.profile/1';

/** What writers keep to, unless told otherwise. */
export const PROFILE_SIZES = {
  knots: 1001,
  frequent: 20,
  levels: 10_000,
  /** In UTF-16 code units; longer levels are pooled. */
  levelLength: 1000,
} as const;
