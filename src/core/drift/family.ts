import type { Finding } from './checks/finding.ts';
import { benjaminiHochberg } from './statistics/benjamini-hochberg.ts';

/**
 * The q values of all findings of a data set, list by list: p values are corrected together, so that the share of false findings among all is
 * bounded, however many columns there are. null for findings without p.
 */
export function correctTogether(lists: readonly (readonly Finding[])[]): {
  q: (number | null)[][];
  tests: number;
} {
  const tested = lists.flatMap((findings) => findings.flatMap(({ p }) => (p === null ? [] : [p])));
  const untold = lists.flatMap((findings) =>
    findings.filter((finding) => finding.untold === true).map(() => 1),
  );
  const corrected = benjaminiHochberg([...tested, ...untold]);
  let next = 0;
  const q = lists.map((findings) =>
    findings.map(({ p }) => {
      if (p === null) return null;
      const value = corrected[next];
      next += 1;
      return value ?? null;
    }),
  );
  return { q, tests: tested.length };
}
