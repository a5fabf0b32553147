import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Rate } from './binomial.ts';

/** One line of a table of results: what was drawn, at which sizes, and what was counted. */
export interface ResultCell extends Rate {
  readonly row: string;
  readonly column: string;
  /** Further rates of the same runs, by name. */
  readonly more?: Readonly<Record<string, Rate>>;
  /** What was seen, where it is no rate. */
  readonly text?: string;
}

export const RESULT_NAMES = [
  'numeric-false-alarms',
  'categorical-false-alarms',
  'table-false-alarms',
  'power',
  'categorical-power',
  'table-power',
  'breaks',
  'dependence',
  'duplicates',
  'real-data',
  'corruptions',
  'time-splits',
  'multivariate',
] as const;
export type ResultName = (typeof RESULT_NAMES)[number];

function pathOf(name: ResultName): string {
  return fileURLToPath(new URL(`../results/${name}.json`, import.meta.url));
}

/** Keeps the results of a full run: `docs/drift.md` shows them. */
export function keepResults(name: ResultName, cells: readonly ResultCell[]): void {
  mkdirSync(fileURLToPath(new URL('../results/', import.meta.url)), { recursive: true });
  // A line for each cell, so that a changed figure is one changed line.
  const lines = cells.map((cell) => `  ${JSON.stringify(cell)}`);
  writeFileSync(pathOf(name), `[\n${lines.join(',\n')}\n]\n`);
}

export function hasResults(name: ResultName): boolean {
  return existsSync(pathOf(name));
}

export function keptResults(name: ResultName): ResultCell[] {
  return JSON.parse(readFileSync(pathOf(name), 'utf8')) as ResultCell[];
}
