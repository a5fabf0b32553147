import { expect, test } from 'vitest';
import { hookLines } from '../../src/ui/hook-lines.ts';

const PIPE = { isTTY: false, color: false, columns: Infinity };
const hook = { via: null, chained: false, step: null };

test('hooks are shown with who starts them, and each step once, on its own lines', () => {
  const text = hookLines(
    {
      directory: '/r/\u001b[31m.git/hooks',
      hooks: [
        { ...hook, hook: 'pre-commit', state: 'active', via: 'file', chained: true },
        { ...hook, hook: 'pre-push', state: 'manual', step: 'add to \u001b[2Jx:\n  a line' },
        { ...hook, hook: 'post-checkout', state: 'manual', step: 'run: lefthook install' },
        { ...hook, hook: 'post-merge', state: 'manual', step: 'run: lefthook install' },
      ],
      changes: [{ hook: 'pre-commit', change: 'kept', reason: 'a newer mlops wrote it' }],
    },
    PIPE,
  );
  expect(text).toBe(
    `pre-commit: left as it is: a newer mlops wrote it

HOOK           STATE                  STARTED BY
pre-commit     active                 mlops, after the hook that was there
pre-push       not active: see below  -
post-checkout  not active: see below  -
post-merge     not active: see below  -

Git looks for hooks in /r/\\x1b[31m.git/hooks

add to \\x1b[2Jx:
  a line

run: lefthook install
`,
  );
});
