import { defineConfig } from 'vitest/config';

/**
 * How often drift checks are wrong, by simulation: thousands of data sets a cell. Takes about an hour on two cores and writes its tables into
 * docs/drift.md; `npm test` runs a sample of the same.
 */
export default defineConfig({
  test: {
    include: ['tests/statistics/suites/**/*.suite.ts'],
    globalSetup: ['tests/statistics/global-setup.ts'],
    testTimeout: 14_400_000,
    maxWorkers: 2,
  },
});
