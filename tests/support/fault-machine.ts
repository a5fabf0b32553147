import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import {
  closeSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readlinkSync,
  readdirSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** What a machine must offer for a case, and why it does not. */
export type Offered<T> = { ok: true; value: T } | { ok: false; reason: string };

const PAGE = 4096;

/** A small file system of its own, gone when the test ends. Needs root and the right to mount. */
export async function smallFileSystem(bytes: number): Promise<Offered<string>> {
  if (process.platform !== 'linux') return { ok: false, reason: 'needs tmpfs, which is Linux' };
  if (process.getuid?.() !== 0) return { ok: false, reason: 'only root may mount a tmpfs' };
  const base = await realpath(await mkdtemp(join(tmpdir(), 'mlops-test-')));
  const mount = join(base, 'fs');
  await mkdir(mount);
  const made = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', mount], {
    encoding: 'utf8',
  });
  if (made.status !== 0) {
    await rm(base, { recursive: true });
    return { ok: false, reason: `mounting is refused here: ${(made.stderr || String(made.error)).trim()}` };
  }
  onTestFinished(async () => {
    spawnSync('umount', ['-l', mount]);
    await rm(base, { recursive: true, force: true });
  });
  return { ok: true, value: mount };
}

export function remountReadOnly(mount: string): void {
  const done = spawnSync('mount', ['-o', 'remount,ro', mount], { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`remounting ${mount} read-only: ${done.stderr}`);
}

/** Fills a tmpfs but for so many pages of 4 KiB, with a file outside the repository. */
export function fillBut(mount: string, pages: number): string {
  const path = join(mount, 'filler');
  const descriptor = openSync(path, 'w');
  let size = 0;
  const block = Buffer.alloc(PAGE, 1);
  try {
    for (;;) size += writeSync(descriptor, block);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
  ftruncateSync(descriptor, Math.max(0, size - pages * PAGE));
  fsyncSync(descriptor);
  closeSync(descriptor);
  return path;
}

/** True when a process has this file open, as Linux tells. */
export function hasOpen(pid: number, path: string): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((entry) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${entry}`) === path;
      } catch {
        return false;
      }
    });
  } catch {
    return false;
  }
}

/** Peak resident memory of a process that still runs, in MiB; 0 when it is gone. */
export function peakMemory(pid: number): number {
  try {
    return Number(/^VmHWM:\s*(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

/** `R`, `S`, `T` (stopped), `t` (stopped by a tracer), `Z`; undefined when the process is gone. */
export function processState(pid: number): string | undefined {
  try {
    return /^State:\s*(\w)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}
