import { UsageError } from '../../errors.ts';
import { suggestNames } from '../../lib/nearest.ts';
import { printable } from '../../lib/terminal-text.ts';
import type { ColumnChoice } from './selection.ts';
import type { Side } from './side.ts';

const MOST_SHOWN = 5;

/** @throws UsageError for sides without a common column, and for names of columns that neither side has */
export function checkColumns(reference: Side, current: Side, choice: ColumnChoice): void {
  const after = new Set(current.columns.map(({ name }) => name));
  for (const side of [reference, current]) {
    if (side.columns.length === 0) throw new UsageError('NO_COLUMNS', `${shown(side.name)} has no columns`);
  }
  if (!reference.columns.some(({ name }) => after.has(name))) {
    throw new UsageError(
      'NO_COMMON_COLUMNS',
      `${shown(reference.name)} and ${shown(current.name)} have no column in common`,
      { hint: `the reference has ${listed(reference)}; the current data has ${listed(current)}` },
    );
  }
  const names = [...new Set([...reference.columns, ...current.columns].map(({ name }) => name))];
  for (const name of choice.columns ?? []) checkName(name, names, '--columns');
  for (const name of choice.exclude ?? []) checkName(name, names, '--exclude');
  if (choice.target !== undefined) checkName(choice.target, names, '--target');
  if (choice.prediction !== undefined) checkName(choice.prediction, names, '--prediction');
}

/** @throws UsageError for a side without rows */
export function checkRows(side: Side): void {
  if (side.facts().rows > 0) return;
  throw new UsageError('NO_ROWS', `${shown(side.name)} has no rows`, {
    hint: 'a comparison needs rows on both sides; check what wrote the file',
  });
}

function checkName(name: string, names: readonly string[], option: string): void {
  if (names.includes(name)) return;
  const hint = suggestNames(name, names, { show: shown });
  throw new UsageError(
    'UNKNOWN_COLUMN',
    `${option}: neither side has a column ${shown(name)}`,
    hint === undefined ? {} : { hint },
  );
}

function listed({ columns }: Side): string {
  const first = columns.slice(0, MOST_SHOWN).map(({ name }) => shown(name));
  return `${first.join(', ')}${columns.length > first.length ? ` and ${columns.length - first.length} more` : ''}`;
}

function shown(name: string): string {
  return printable(name.length > 100 ? `${name.slice(0, 100)}…` : name);
}
