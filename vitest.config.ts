import { readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

const { version } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8')) as {
  version: string;
};

export default defineConfig({
  define: { MLOPS_VERSION: JSON.stringify(version) },
  test: {
    include: ['tests/**/*.test.ts'],
    exclude: ['tests/interop/**', 'tests/faults/sweep/**'],
    // Most tests wait for programs that they started, so a core need not be kept free for them; vitest would leave one of two idle.
    maxWorkers: 2,
    // Tests that start processes or hash megabytes on a busy machine of two cores.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    env: {
      // What the person at this terminal prefers must not reach the tests.
      NO_COLOR: '',
      FORCE_COLOR: '',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_TERMINAL_PROMPT: '0',
      // It warns about Node 20 on every run.
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    },
  },
});
