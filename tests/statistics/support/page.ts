import { fileURLToPath } from 'node:url';
import { hasResults, keptResults, RESULT_NAMES } from './results.ts';
import { rendered, withTables } from './tables.ts';

export const PAGE = fileURLToPath(new URL('../../../docs/drift.md', import.meta.url));

/** The page as the kept results want it; a table without results stays as it is. */
export function renewed(page: string): string {
  const names = RESULT_NAMES.filter(hasResults);
  return withTables(page, new Map(names.map((name) => [name, rendered(name, keptResults(name))])));
}
