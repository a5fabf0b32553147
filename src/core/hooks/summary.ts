import * as z from 'zod';
import type { HookChange, HooksReport } from '../../git/git.ts';

/** What `mlops hooks install|uninstall|status` say, as JSON. */
export const HooksSummary = z.lazy(() =>
  z.object({
    /** Absolute path of the directory in which Git looks for hooks. */
    directory: z.string(),
    location: z.enum(['git', 'work-tree', 'outside']),
    /** Whether Git runs all of them. */
    active: z.boolean(),
    hooks: z.array(
      z.object({
        hook: z.string(),
        state: z.enum(['active', 'outdated', 'missing', 'manual', 'blocked']),
        via: z.enum(['file', 'line', 'husky', 'lefthook', 'pre-commit']).nullable(),
        file: z.string(),
        chained: z.boolean(),
        step: z.string().nullable(),
      }),
    ),
    changes: z.array(z.object({ hook: z.string(), change: z.string(), reason: z.string().nullable() })),
  }),
);
export type HooksSummary = z.output<typeof HooksSummary>;

export function summariseHooks(report: HooksReport & { changes?: readonly HookChange[] }): HooksSummary {
  const { directory, location, hooks, changes = [] } = report;
  return {
    directory,
    location,
    active: hooks.every(({ state }) => state === 'active' || state === 'outdated'),
    hooks: hooks.map(({ via, step, ...hook }) => ({ ...hook, via: via ?? null, step: step ?? null })),
    changes: changes.map(({ reason, ...change }) => ({ ...change, reason: reason ?? null })),
  };
}
