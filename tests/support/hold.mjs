// Preloaded into the program by the fault tests: waits, before any of the program's own code runs, until a tracer is attached.
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

// eslint-disable-next-line node/no-process-env -- the only channel to a preloaded module
const gate = process.env.FAULT_GATE;
if (gate !== undefined) {
  // Loading modules makes system calls too, and not the same ones each time: get it over with.
  const require = createRequire(import.meta.url);
  const vendor = new URL('../../dist/vendor/', import.meta.url);
  for (const name of readdirSync(vendor)) require(fileURLToPath(new URL(name, vendor)));
  // Starts the one thread of the pool, so that there is something to attach to.
  await stat('.');
  writeFileSync(`${gate}.ready`, '');
  const cell = new Int32Array(new SharedArrayBuffer(4));
  while (!existsSync(`${gate}.go`)) Atomics.wait(cell, 0, 0, 2);
}
