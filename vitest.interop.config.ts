import { defineConfig } from 'vitest/config';

/** Tests against real models of Python libraries; the first run installs those into `.venv/interop`. */
export default defineConfig({
  test: {
    include: ['tests/interop/**/*.test.ts'],
    globalSetup: ['tests/interop/global-setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 300_000,
  },
});
