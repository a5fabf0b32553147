// Run as a process of its own by commit-lock.test.ts: MLOPS_DIR MODE [COUNTER ROUNDS]
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { MlopsError } from '../../src/errors.ts';
import { createLocalCommitLock } from '../../src/storage/local/commit-lock.ts';

const [mlopsDir = '', mode = '', counter = '', rounds = '0'] = process.argv.slice(2);
const lock = createLocalCommitLock({ mlopsDir, timeoutMs: 110_000, now: () => new Date() });

async function increment(): Promise<void> {
  const value = Number(readFileSync(counter, 'utf8'));
  await delay(Math.random() * 3);
  writeFileSync(counter, String(value + 1));
}

/** Makes the lock look as if its owner were another process with this id that has ended. */
function abandon(): void {
  const path = join(mlopsDir, 'tmp', 'lock');
  const owner = JSON.parse(readFileSync(path, 'utf8')) as { processStart: string };
  const text = JSON.stringify({ ...owner, processStart: owner.processStart.replace(/\d+$/, '1') });
  writeFileSync(`${path}-${process.pid}`, text);
  renameSync(`${path}-${process.pid}`, path);
}

if (mode === 'count' || mode === 'abandon') {
  for (let round = 0; round < Number(rounds); round += 1) {
    const held = await lock.acquire(`round ${round}`);
    await increment();
    await held.assertHeld();
    if (mode === 'abandon') abandon();
    else await held.release();
  }
} else {
  const held = await lock.acquire(mode);
  process.stdout.write('held\n');
  for (;;) {
    await delay(20);
    if (mode === 'hold') continue;
    try {
      await held.assertHeld();
    } catch (error) {
      const known = error instanceof MlopsError ? error : undefined;
      process.stdout.write(`${known?.code} ${known?.exitCode}\n`);
      break;
    }
  }
}
