import type { Distribution } from './distribution.ts';
import type { PolicyKind } from './policy/policy.ts';
import type { ColumnReport } from './report.ts';

/** What the report says of dependent rows; null where all rows count. */
export function dependenceOf(reference: Distribution, current: Distribution): ColumnReport['dependence'] {
  if (!isReduced(reference) && !isReduced(current)) return null;
  return {
    referenceR: reference.r,
    currentR: current.r,
    referenceEffective: reference.effective,
    currentEffective: current.effective,
  };
}

function isReduced({ effective, rows }: Distribution): boolean {
  return effective < rows;
}

/** What a reader of the verdict should know about the rows that were compared. */
export function dependenceNotes(reference: Distribution, current: Distribution, kind: PolicyKind): string[] {
  return [...notesOf('reference', reference, kind), ...notesOf('current', current, kind)];
}

function notesOf(side: string, distribution: Distribution, kind: PolicyKind): string[] {
  const { rows, effective, r, ordered, total, error } = distribution;
  const notes: string[] = [];
  if (isReduced(distribution)) {
    const found = r === null ? '' : ` (r = ${r.toFixed(2)})`;
    const counted = `${count(rows)} ${side} values are worth ${count(effective)} independent ones`;
    const suffix = kind === 'default' ? '' : ', which this policy does not take into account';
    notes.push(`neighbouring rows are alike${found}: ${counted}${suffix}`);
  }
  if (ordered && rows > 0)
    notes.push(`the ${side} rows lie in the order of this column, so that their dependence cannot be told`);
  if (total > rows && error === 0)
    notes.push(`${count(rows)} of ${count(total)} ${side} values were compared, drawn at random`);
  return notes;
}

function count(rows: number): string {
  return Math.round(rows).toLocaleString('en-US');
}
