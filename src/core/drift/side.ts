import type { ColumnType } from '../../storage/tables/table.ts';
import type { DriftReport } from './report.ts';
import type { ColumnSummary, PinnedColumn } from './summary.ts';

/** A column as one side has it, before anything is pinned. */
export interface SideColumn {
  readonly name: string;
  /** What it would be compared as if this side were the reference; null where all of it is null. */
  readonly inferred: PinnedColumn | null;
  /** What a typed file (Parquet, a profile) declares; undefined where cells are text. */
  readonly declared: ColumnType | undefined;
  /** Why its values can't be compared (nested values ...); undefined for every other column. */
  readonly skipped: string | undefined;
}

/** The reference or the current data: files that were opened as one table, or a profile. */
export interface Side {
  /** As the person named it. */
  readonly name: string;
  readonly kind: 'table' | 'profile';
  /** In the order of the file. */
  readonly columns: readonly SideColumn[];
  /** Known once `read` was called; a profile knows it at once. */
  readonly facts: () => SideFacts;
  /**
   * Summaries of the planned columns in the order of the plan; those after the first are read while it is compared. A plan names only
   * columns of this side that are not skipped. May be called once.
   *
   * @throws UsageError for malformed files
   */
  read(plan: readonly PinnedColumn[]): Promise<AsyncIterable<ColumnSummary>>;
}

export interface SideFacts {
  readonly rows: number;
  readonly duplicates: DriftReport['sources']['reference']['duplicates'];
  /** What was assumed or sampled, for people. */
  readonly notes: readonly string[];
}
