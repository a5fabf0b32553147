import { spawn } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openRunStore, type Run, type RunStore } from '../../../src/core/runs/index.ts';
import { OutputCapture, readOutput } from '../../../src/core/runs/output-files.ts';
import type { RunFiles } from '../../../src/storage/run-files.ts';
import { runSpace, type RunSpace } from './support.ts';

/** The files as another process of this machine sees them, which ended just now. */
async function endedProcess(files: RunFiles): Promise<RunFiles> {
  const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)'], { stdio: 'ignore' });
  await new Promise((done) => child.once('spawn', done));
  const pid = child.pid ?? 0;
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const start = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  const [namespace] = files.self().processStart.split(':');
  const self = { ...files.self(), pid, processStart: `${namespace}:${start}` };
  const exited = new Promise((done) => child.once('exit', done));
  child.kill('SIGKILL');
  await exited;
  return asProcess(files, self);
}

function asProcess(files: RunFiles, self: ReturnType<RunFiles['self']>): RunFiles {
  return new Proxy(files, {
    get: (target, property) => {
      if (property === 'self') return () => self;
      const member = Reflect.get(target, property) as unknown;
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}

async function crashed(space: RunSpace): Promise<{ run: Run; ghost: RunStore }> {
  const files = await endedProcess(await space.repository.runFiles());
  const ghost = await openRunStore({ ...space.repository, runFiles: () => Promise.resolve(files) });
  const run = await ghost.create({ writer: 'process', name: 'doomed' });
  await ghost.log(run.id, { metrics: [{ key: 'loss', value: 1, step: 0, time: 0 }], tags: [['a', 'b']] });
  return { run, ghost };
}

describe.skipIf(process.platform !== 'linux')('a run whose writer was killed', () => {
  test('has failed for the next reader, and keeps what was logged', async () => {
    const space = await runSpace();
    const { run } = await crashed(space);
    const seen = await space.store.get(run.id);
    expect(seen.status).toBe('FAILED');
    expect(seen.reason).toMatch(/^process \d+ on .*, which answered for it, ended without a word$/);
    expect(seen.endedAt).toBeGreaterThanOrEqual(run.startedAt);
    expect(seen.metrics.get('loss')?.value).toBe(1);
    expect((await space.store.search({ filter: "status = 'FAILED'" })).runs).toHaveLength(1);
    // Said once, also when many look.
    await (await space.reopen()).get(run.id);
    await (await space.reopen()).search();
    const log = readFileSync(join(space.path(run), 'log.jsonl'), 'utf8');
    expect(log.match(/"presumed":true/g)).toHaveLength(1);
    expect(await (await space.reopen()).get(run.id)).toEqual(seen);
  });

  test('loses no more than the line in flight', async () => {
    const space = await runSpace();
    const { run } = await crashed(space);
    const path = join(space.path(run), 'metrics.jsonl');
    writeFileSync(path, `${readFileSync(path, 'utf8')}{"key":"loss","step":1,"ti`);
    expect((await space.store.get(run.id)).metrics.get('loss')?.count).toBe(1);
    await space.store.log(run.id, { metrics: [{ key: 'loss', value: 3, step: 2, time: 0 }] });
    expect((await space.store.history(run.id, { key: 'loss' })).points.map(({ step }) => step)).toEqual([
      0, 2,
    ]);
  });

  test('goes on when a server takes over, and fails again with that one', async () => {
    const space = await runSpace();
    const { run } = await crashed(space);
    expect((await space.store.get(run.id)).status).toBe('FAILED');
    const server = await openRunStore(space.repository, { takesOver: true });
    await server.log(run.id, { tags: [['again', 'yes']] });
    expect(await server.get(run.id)).toMatchObject({
      status: 'RUNNING',
      endedAt: undefined,
      reason: undefined,
    });
    expect((await (await space.reopen()).get(run.id)).status).toBe('RUNNING');

    const files = await endedProcess(await space.repository.runFiles());
    const second = await openRunStore(
      { ...space.repository, runFiles: () => Promise.resolve(files) },
      { takesOver: true },
    );
    const other = await second.create({ writer: 'process' });
    expect((await space.store.get(other.id)).status).toBe('FAILED');
  });

  test('does not lose its own last word to somebody who looked too early', async () => {
    const space = await runSpace();
    const { run, ghost } = await crashed(space);
    await ghost.update(run.id, { status: 'FINISHED' });
    expect((await space.store.get(run.id)).status).toBe('FINISHED');
  });

  test('is seen as failed on a disk that takes nothing, too', async (ctx) => {
    if (process.getuid?.() === 0) ctx.skip('root may write everywhere');
    const space = await runSpace();
    const { run } = await crashed(space);
    chmodSync(join(space.path(run), 'log.jsonl'), 0o444);
    expect((await space.store.get(run.id)).status).toBe('FAILED');
  });
});

test('a run without a writer, or of another host, is under way until somebody says otherwise', async () => {
  const space = await runSpace();
  const { id } = await space.store.create({ writer: 'nobody' });
  const files = await space.repository.runFiles();
  const elsewhere = asProcess(files, { ...files.self(), host: 'elsewhere' });
  const remote = await openRunStore({ ...space.repository, runFiles: () => Promise.resolve(elsewhere) });
  const there = await remote.create({ writer: 'process' });
  expect((await space.store.get(id)).status).toBe('RUNNING');
  expect((await space.store.get(there.id)).status).toBe('RUNNING');
});

describe('captured output', () => {
  async function capture(limit: number, pieces: readonly string[]): Promise<{ text: string; kept: number }> {
    const space = await runSpace();
    const { id, startedAt } = await space.store.create({ writer: 'nobody' });
    const files = await space.repository.runFiles();
    const place = { month: new Date(startedAt).toISOString().slice(0, 7), name: id };
    const output = new OutputCapture(files, place, { stream: 'stdout', limit });
    for (const piece of pieces) output.write(Buffer.from(piece));
    const kept = ['stdout.log', 'stdout.0.log', 'stdout.1.log']
      .map((file) => files.state(place, file)?.size ?? 0)
      .reduce((sum, size) => sum + size, 0);
    const bytes = readOutput(files, place, { stream: 'stdout', written: output.written });
    return { text: Buffer.from(bytes ?? []).toString(), kept };
  }

  test('is kept whole below the limit', async () => {
    expect(await capture(1000, ['one\n', 'two\n'])).toEqual({ text: 'one\ntwo\n', kept: 8 });
    const whole = 'abcdefghij'.repeat(10);
    expect(await capture(100, whole.split(''))).toEqual({ text: whole, kept: 100 });
  });

  test('has its beginning and its end above the limit, and says how much is missing', async () => {
    const pieces = Array.from({ length: 100 }, (_, index) => `line ${String(index).padStart(3, '0')}\n`);
    const { text, kept } = await capture(90, pieces);
    expect(kept).toBeLessThanOrEqual(90);
    expect(text.startsWith(pieces.slice(0, 5).join(''))).toBe(true);
    expect(text.endsWith(pieces.slice(-3).join(''))).toBe(true);
    const [, missing] = /\[\.\.\. (\d+) bytes are left out here \.\.\.\]/.exec(text) ?? [];
    expect(Number(missing) + kept).toBe(900);
  });

  test('of one huge piece keeps both ends', async () => {
    const { text, kept } = await capture(40, [`start${'x'.repeat(5000)}end`]);
    expect(kept).toBeLessThanOrEqual(40);
    expect(text.startsWith('start')).toBe(true);
    expect(text.endsWith('end')).toBe(true);
  });
});
