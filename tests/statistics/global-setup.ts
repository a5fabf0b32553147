import { readFileSync, writeFileSync } from 'node:fs';
import { PAGE, renewed } from './support/page.ts';

/** After the suites have run, their results go into docs/drift.md. */
export function teardown(): void {
  writeFileSync(PAGE, renewed(readFileSync(PAGE, 'utf8')));
}
