import { defineConfig } from 'vitest/config';

/**
 * The long fault tests: every write of the main commands killed and failed, 100,000 files, 20 GB. Takes a quarter of an hour or more;
 * `npm test` runs a sample of the same.
 */
export default defineConfig({
  test: {
    include: ['tests/faults/sweep/**/*.test.ts'],
    testTimeout: 3_600_000,
    hookTimeout: 120_000,
    // Memory and disk are what some of them measure.
    fileParallelism: false,
    env: {
      NO_COLOR: '',
      FORCE_COLOR: '',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_TERMINAL_PROMPT: '0',
    },
  },
});
