import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { CommitLock, LockOwner } from '../../src/storage/commit-lock.ts';
import { createLocalCommitLock } from '../../src/storage/local/commit-lock.ts';
import { currentBootId, processStart } from '../../src/storage/local/process-identity.ts';
import { createMemoryCommitLock } from '../../src/storage/memory/commit-lock.ts';
import { tempDirectory } from '../support/temp-repo.ts';

const NOW = new Date('2026-11-23T10:15:00.000Z');
let bundleDirectory: string;
let worker: string;

// Children run a bundle of the real lock, since the oldest supported Node can't run TypeScript.
beforeAll(async () => {
  bundleDirectory = mkdtempSync(join(tmpdir(), 'mlops-lock-'));
  worker = join(bundleDirectory, 'worker.mjs');
  const entry = join(dirname(fileURLToPath(import.meta.url)), 'commit-lock.worker.ts');
  await build({ entryPoints: [entry], outfile: worker, bundle: true, platform: 'node', format: 'esm' });
});
afterAll(() => rmSync(bundleDirectory, { recursive: true, force: true }));

interface Setup {
  mlopsDir: string;
  path: string;
  open(timeoutMs?: number, host?: string): CommitLock;
  plant(owner: Partial<LockOwner>): LockOwner;
}

async function setUp(): Promise<Setup> {
  const mlopsDir = join(await tempDirectory(), '.mlops');
  const path = join(mlopsDir, 'tmp', 'lock');
  mkdirSync(dirname(path), { recursive: true });
  return {
    mlopsDir,
    path,
    open: (timeoutMs = 0, host) =>
      createLocalCommitLock({ mlopsDir, timeoutMs, now: () => NOW, ...(host === undefined ? {} : { host }) }),
    plant(owner) {
      const whole = {
        pid: process.pid,
        host: hostname(),
        bootId: currentBootId(),
        processStart: processStart(process.pid),
        startedAt: '2026-11-23T09:00:00.000Z',
        command: 'mlops save m x',
        nonce: 'ab'.repeat(16),
        ...owner,
      };
      writeFileSync(path, JSON.stringify(whole));
      return whole;
    },
  };
}

function start(args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [worker, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

async function line(child: ChildProcess): Promise<string> {
  const [chunk] = (await once(child.stdout ?? child, 'data')) as [Buffer];
  return chunk.toString().trim();
}

async function killed(mlopsDir: string): Promise<number> {
  const child = start([mlopsDir, 'hold']);
  expect(await line(child)).toBe('held');
  child.kill('SIGKILL');
  await once(child, 'exit');
  return child.pid ?? 0;
}

describe('taking and giving back', () => {
  it('writes who holds it, and leaves nothing behind', async () => {
    const { path, open, mlopsDir } = await setUp();
    const held = await open().acquire('mlops save m x');
    const written = JSON.parse(readFileSync(path, 'utf8')) as LockOwner;
    expect(written).toMatchObject({ pid: process.pid, host: hostname(), command: 'mlops save m x' });
    expect(written.startedAt).toBe(NOW.toISOString());
    await held.assertHeld();
    await held.release();
    await held.release();
    expect(readdirSync(join(mlopsDir, 'tmp'))).toEqual([]);
    expect(await open().inspect()).toBeUndefined();
  });

  it('creates the directory for temporaries when it is missing', async () => {
    const mlopsDir = join(await tempDirectory(), '.mlops');
    const lock = createLocalCommitLock({ mlopsDir, timeoutMs: 0, now: () => NOW });
    expect(await lock.inspect()).toBeUndefined();
    expect(await lock.breakLock()).toBe(false);
    await (await lock.acquire('x')).release();
    expect(existsSync(join(mlopsDir, 'tmp'))).toBe(true);
  });

  it('makes a second taker fail with exit 5, naming the owner', async () => {
    const { open } = await setUp();
    const held = await open().acquire('mlops promote m\u001b[2J');
    const failure = open().acquire('mlops save');
    await expect(failure).rejects.toMatchObject({ code: 'LOCKED', exitCode: 5, retryable: true });
    await expect(failure).rejects.toThrow(
      `process ${process.pid} on ${hostname()} (mlops promote m\\x1b[2J) since ${NOW.toISOString()}`,
    );
    await held.release();
  });

  it('waits for the owner to finish', async () => {
    const { open } = await setUp();
    const held = await open().acquire('first');
    const second = open(10_000).acquire('second');
    setTimeout(() => void held.release(), 50);
    await (await second).assertHeld();
    await (await second).release();
  });

  it('no longer counts as held after it was released', async () => {
    const { open } = await setUp();
    const held = await open().acquire('x');
    await held.release();
    await expect(held.assertHeld()).rejects.toMatchObject({ code: 'LOCK_LOST', exitCode: 5 });
  });

  it('notices that somebody broke it and another took it, and leaves that one alone', async () => {
    const { open, path } = await setUp();
    const first = await open().acquire('first');
    expect(await open().breakLock()).toBe(true);
    await expect(first.assertHeld()).rejects.toMatchObject({ code: 'LOCK_LOST', exitCode: 5 });
    const second = await open().acquire('second');
    await first.release();
    await second.assertHeld();
    await second.release();
    expect(existsSync(path)).toBe(false);
  });

  it('notices a copy of itself under the same name', async () => {
    const { open, path } = await setUp();
    const held = await open().acquire('first');
    const copy = readFileSync(path);
    // As long as the file has another name, the copy cannot get its inode.
    linkSync(path, `${path}-kept`);
    await open().breakLock();
    writeFileSync(path, copy);
    await expect(held.assertHeld()).rejects.toMatchObject({ code: 'LOCK_LOST' });
  });
});

describe('a lock that was left behind', () => {
  it('is taken over after kill -9 on this host', async () => {
    const { open, mlopsDir } = await setUp();
    const pid = await killed(mlopsDir);
    expect(await open().inspect()).toMatchObject({ stale: true, owner: { pid } });
    const held = await open().acquire('next');
    await held.assertHeld();
    await held.release();
    expect(readdirSync(join(mlopsDir, 'tmp'))).toEqual([]);
  });

  it('is taken over when its process id belongs to a later process', async (ctx) => {
    const { open, plant } = await setUp();
    if (processStart(process.pid) === '') ctx.skip('this platform does not tell when a process started');
    plant({ processStart: processStart(process.pid).replace(/\d+$/, '1') });
    expect(await open().inspect()).toMatchObject({ stale: true });
    await (await open().acquire('next')).release();
  });

  it('is taken over when this host was restarted since', async (ctx) => {
    const { open, plant } = await setUp();
    if (currentBootId() === '') ctx.skip('this platform has no boot id');
    plant({ bootId: '00000000-0000-0000-0000-000000000000' });
    expect(await open().inspect()).toMatchObject({ stale: true });
    await (await open().acquire('next')).release();
  });

  it('is never taken over when it belongs to another host, however dead it looks', async () => {
    const { open, plant, path } = await setUp();
    plant({ host: 'gpu-node-7', pid: 2 ** 22 + 1, bootId: 'x', startedAt: '2020-01-01T00:00:00.000Z' });
    const failure = open(50).acquire('next');
    await expect(failure).rejects.toMatchObject({ code: 'LOCKED', exitCode: 5 });
    await expect(failure).rejects.toMatchObject({
      hint: expect.stringContaining('mlops unlock --force') as string,
    });
    await expect(failure).rejects.toThrow(/gpu-node-7/);
    expect(existsSync(path)).toBe(true);
  });

  it('is not taken over when its process lives in another container of this host', async (ctx) => {
    const { open, plant } = await setUp();
    if (process.platform !== 'linux') ctx.skip('PID namespaces are a thing of Linux');
    plant({ processStart: '1:1', pid: 2 ** 22 + 1 });
    expect(await open().inspect()).toMatchObject({ stale: false });
    await expect(open().acquire('next')).rejects.toMatchObject({ code: 'LOCKED' });
  });

  it('is not taken over while it is empty and young, but after a minute', async () => {
    const { open, path } = await setUp();
    writeFileSync(path, '');
    await expect(open().acquire('next')).rejects.toMatchObject({ code: 'LOCKED', exitCode: 5 });
    const old = new Date(Date.now() - 61_000);
    utimesSync(path, old, old);
    const held = await open().acquire('next');
    await held.assertHeld();
    await held.release();
  });

  it.each(['garbage', '{}', '{"pid":1', '{"pid":-1,"host":"x"}', '\u0000\u0000\u0000'])(
    'is not touched when it holds %j',
    async (content) => {
      const { open, path } = await setUp();
      writeFileSync(path, content);
      utimesSync(path, new Date(0), new Date(0));
      const failure = open(5).acquire('next');
      await expect(failure).rejects.toMatchObject({ code: 'LOCKED', exitCode: 5 });
      await expect(failure).rejects.toMatchObject({
        hint: expect.stringContaining('mlops unlock --force') as string,
      });
      expect(readFileSync(path, 'utf8')).toBe(content);
      expect(await open().inspect()).toMatchObject({ owner: undefined, stale: false });
      expect(await open().breakLock()).toBe(true);
    },
  );

  it('does not let a hostile nonce choose the name of a file', async () => {
    const { open, plant, mlopsDir } = await setUp();
    plant({ nonce: '../../escape', pid: 2 ** 22 + 1 });
    await expect(open().acquire('next')).rejects.toMatchObject({ code: 'LOCKED' });
    expect(readdirSync(mlopsDir)).toEqual(['tmp']);
  });

  it('is taken over although the process that was taking it over died too', async () => {
    const { open, mlopsDir, plant } = await setUp();
    const pid = await killed(mlopsDir);
    const lock = plant({
      pid,
      processStart: processStart(process.pid).replace(/\d+$/, '1'),
      nonce: '11'.repeat(16),
    });
    const guard = { ...lock, nonce: '22'.repeat(16) };
    writeFileSync(join(mlopsDir, 'tmp', `takeover-${lock.nonce}`), JSON.stringify(guard));
    const held = await open(5000).acquire('next');
    await held.assertHeld();
    await held.release();
    expect(readdirSync(join(mlopsDir, 'tmp'))).toEqual([]);
  });
});

describe('many processes', () => {
  it('never lets two of them in, although some are killed while they hold it', async () => {
    const { mlopsDir, open } = await setUp();
    const [processes, rounds] = [8, 25];
    const counter = join(mlopsDir, 'counter');
    writeFileSync(counter, '0');
    await killed(mlopsDir);
    const children = Array.from({ length: processes }, () =>
      start([mlopsDir, 'count', counter, String(rounds)]),
    );
    const codes = children.map(async (child) => ((await once(child, 'exit')) as [number])[0]);
    for (let index = 0; index < 5; index += 1) await killed(mlopsDir);
    expect(await Promise.all(codes)).toEqual(Array.from({ length: processes }, () => 0));
    expect(Number(readFileSync(counter, 'utf8'))).toBe(processes * rounds);
    await (await open().acquire('last')).release();
    expect(readdirSync(join(mlopsDir, 'tmp'))).toEqual([]);
  }, 120_000);

  it('lets exactly one of many takers replace each stale lock', async () => {
    const { mlopsDir } = await setUp();
    const counter = join(mlopsDir, 'counter');
    writeFileSync(counter, '0');
    // Every round leaves its lock behind as stale, so that each one is won by a takeover.
    const [processes, rounds] = [6, 25];
    const children = Array.from({ length: processes }, () =>
      start([mlopsDir, 'abandon', counter, String(rounds)]),
    );
    const codes = await Promise.all(
      children.map(async (child) => ((await once(child, 'exit')) as [number])[0]),
    );
    expect(codes).toEqual(Array.from({ length: processes }, () => 0));
    expect(Number(readFileSync(counter, 'utf8'))).toBe(processes * rounds);
  }, 120_000);

  it('lets a suspended owner find out that its lock was broken meanwhile (exit 5, nothing written)', async (ctx) => {
    if (process.platform === 'win32') ctx.skip('there is no SIGSTOP');
    const { mlopsDir, open } = await setUp();
    const child = start([mlopsDir, 'hold-and-check']);
    expect(await line(child)).toBe('held');
    child.kill('SIGSTOP');
    await expect(open(30).acquire('other')).rejects.toMatchObject({ code: 'LOCKED' });
    await open().breakLock();
    const other = await open().acquire('other');
    child.kill('SIGCONT');
    expect(await line(child)).toBe('LOCK_LOST 5');
    await other.assertHeld();
    await other.release();
  });
});

describe('the lock in memory', () => {
  it('keeps the same promises within one process', async () => {
    const lock = createMemoryCommitLock();
    const first = await lock.acquire('first');
    await first.assertHeld();
    await expect(lock.acquire('second')).rejects.toMatchObject({ code: 'LOCKED', exitCode: 5 });
    expect(await lock.inspect()).toMatchObject({ owner: { command: 'first' }, stale: false });
    expect(await lock.breakLock()).toBe(true);
    await expect(first.assertHeld()).rejects.toMatchObject({ code: 'LOCK_LOST' });
    const second = await lock.acquire('second');
    await first.release();
    await second.assertHeld();
    await second.release();
    expect(await lock.inspect()).toBeUndefined();
    expect(await lock.breakLock()).toBe(false);
  });
});
