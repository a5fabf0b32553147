import { printable } from '../lib/terminal-text.ts';
import { table } from './table.ts';
import type { Terminal } from './terminal.ts';

interface HooksView {
  directory: string;
  hooks: readonly {
    hook: string;
    state: string;
    via: string | null;
    chained: boolean;
    step: string | null;
  }[];
  changes: readonly { hook: string; change: string; reason: string | null }[];
}

const STATES: Readonly<Record<string, string>> = {
  active: 'active',
  outdated: 'active, out of date',
  missing: 'not installed',
  manual: 'not active: see below',
  blocked: 'not active: see below',
};

const VIA: Readonly<Record<string, string>> = { file: 'mlops', line: 'a line in the hook' };

const CHANGES: Readonly<Record<string, string>> = {
  written: 'installed',
  updated: 'updated',
  chained: 'installed; the hook that was there runs first',
  removed: 'removed',
  restored: 'restored what was there before',
  kept: 'left as it is',
};

/** What was changed, how each hook stands, and what is left for a person to do. */
export function hookLines(
  { directory, hooks, changes }: HooksView,
  terminal: Pick<Terminal, 'isTTY' | 'color' | 'columns'>,
): string {
  const changed = changes.map(({ hook, change, reason }) => {
    const why = reason === null ? '' : `: ${printable(reason)}`;
    return `${hook}: ${CHANGES[change] ?? change}${why}\n`;
  });
  const rows = hooks.map(({ hook, state, via, chained }) => {
    const starter = via === null ? '-' : (VIA[via] ?? via);
    return [hook, STATES[state] ?? state, chained ? `${starter}, after the hook that was there` : starter];
  });
  const columns = [{ header: 'HOOK' }, { header: 'STATE' }, { header: 'STARTED BY' }];
  // One command may be the step for several hooks.
  const steps = new Set(hooks.flatMap(({ step }) => (step === null ? [] : [`\n${lines(step)}\n`])));
  return [
    ...changed,
    changed.length > 0 ? '\n' : '',
    table({ columns, rows }, terminal),
    `\nGit looks for hooks in ${printable(directory)}\n`,
    ...steps,
  ].join('');
}

/** Paths may hold anything; what stands between the lines is ours. */
function lines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}
