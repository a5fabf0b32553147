import {
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
  appendFileSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { LocalRunFiles } from '../../src/storage/local/run-files.ts';
import { scratchDirectory } from './support/scratch.ts';

const ID = '0123456789abcdef0123456789abcdef';
const PLACE = { month: '2026-11', name: ID };

function openFiles(): { mlopsDir: string; files: LocalRunFiles; path: string } {
  const root = scratchDirectory();
  const mlopsDir = join(root, '.mlops');
  mkdirSync(mlopsDir);
  return { mlopsDir, files: new LocalRunFiles(mlopsDir), path: join(mlopsDir, 'runs/2026-11', ID) };
}

const bytes = (text: string): Uint8Array => Buffer.from(text);

async function created(): Promise<ReturnType<typeof openFiles>> {
  const space = openFiles();
  await space.files.create(PLACE, new Map([['run.json', bytes('{}\n')]]), { durable: true });
  return space;
}

test('a directory appears with its files, once', async () => {
  const { files, path } = await created();
  expect(readFileSync(join(path, 'run.json'), 'utf8')).toBe('{}\n');
  expect(await files.create(PLACE, new Map(), { durable: false })).toBe(false);
  expect(files.months()).toEqual(['2026-11']);
  expect(files.names('2026-11')).toEqual([ID]);
  expect(files.find(ID)).toEqual(PLACE);
  expect(files.find('f'.repeat(32))).toBeUndefined();
  expect(files.files(PLACE)).toEqual(['run.json']);
});

test('Git is told to look away from runs', async () => {
  const { mlopsDir } = await created();
  expect(readFileSync(join(mlopsDir, 'runs/.gitignore'), 'utf8')).toBe('*\n');
});

test('lines are appended after what is there', async () => {
  const { files, path } = await created();
  files.append(PLACE, 'log.jsonl', bytes('{"a":1}\n'));
  files.append(PLACE, 'log.jsonl', bytes('{"a":2}\n'));
  expect(readFileSync(join(path, 'log.jsonl'), 'utf8')).toBe('{"a":1}\n{"a":2}\n');
  expect(Buffer.from(files.read(PLACE, 'log.jsonl', { offset: 8 }) ?? []).toString()).toBe('{"a":2}\n');
  expect(files.state(PLACE, 'log.jsonl')?.size).toBe(16);
});

test('half a line of a killed writer does not swallow the next one', async () => {
  const { files, path } = await created();
  writeFileSync(join(path, 'metrics.jsonl'), '{"key":"lo');
  files.append(PLACE, 'metrics.jsonl', bytes('{"key":"loss"}\n'));
  expect(readFileSync(join(path, 'metrics.jsonl'), 'utf8')).toBe('{"key":"lo\n{"key":"loss"}\n');
  // Also where the file is open already.
  appendFileSync(join(path, 'metrics.jsonl'), '{"torn');
  files.append(PLACE, 'metrics.jsonl', bytes('{"key":"next"}\n'));
  expect(readFileSync(join(path, 'metrics.jsonl'), 'utf8')).toMatch(/\{"torn\n\{"key":"next"\}\n$/);
});

test('a file that Git replaced meanwhile is opened again', async () => {
  const { files, path } = await created();
  files.append(PLACE, 'metrics.jsonl', bytes('{"old":1}\n'));
  rmSync(join(path, 'metrics.jsonl'));
  writeFileSync(join(path, 'metrics.jsonl'), '{"git":1}\n');
  files.append(PLACE, 'metrics.jsonl', bytes('{"new":1}\n'));
  expect(readFileSync(join(path, 'metrics.jsonl'), 'utf8')).toBe('{"git":1}\n{"new":1}\n');
});

test('many files may be open in turn', async () => {
  const { files, mlopsDir } = openFiles();
  const places = Array.from({ length: 100 }, (_, index) => ({
    month: '2026-10',
    name: index.toString(16).padStart(32, '0'),
  }));
  for (const place of places) await files.create(place, new Map(), { durable: false });
  for (const round of [1, 2])
    for (const place of places) files.append(place, 'log.jsonl', bytes(`{"round":${round}}\n`));
  for (const { name } of places)
    expect(readFileSync(join(mlopsDir, 'runs/2026-10', name, 'log.jsonl'), 'utf8')).toBe(
      '{"round":1}\n{"round":2}\n',
    );
  files.close();
});

test('threads that append at the same time lose and mix nothing', async () => {
  const { path } = await created();
  const target = join(path, 'metrics.jsonl');
  const source = `
    const { workerData } = require('node:worker_threads');
    const { openSync, writeSync } = require('node:fs');
    const descriptor = openSync(workerData.target, 'a');
    for (let i = 0; i < 500; i += 1)
      writeSync(descriptor, JSON.stringify({ writer: workerData.id, i, pad: 'x'.repeat((i * 37) % 900) }) + '\\n');
  `;
  const { files } = { files: new LocalRunFiles(join(path, '../../..')) };
  const workers = [1, 2, 3].map((id) => new Worker(source, { eval: true, workerData: { target, id } }));
  const ended = workers.map((worker) => new Promise((done) => worker.once('exit', done)));
  for (let i = 0; i < 500; i += 1) {
    files.append(PLACE, 'metrics.jsonl', bytes(`{"writer":0,"i":${i},"pad":""}\n`));
    if (i % 50 === 0) await new Promise((done) => setImmediate(done));
  }
  await Promise.all(ended);
  const next = new Map<number, number>();
  for (const line of readFileSync(target, 'utf8').trimEnd().split('\n')) {
    const { writer, i } = JSON.parse(line) as { writer: number; i: number };
    expect(i).toBe(next.get(writer) ?? 0);
    next.set(writer, i + 1);
  }
  expect([...next.values()]).toEqual([500, 500, 500, 500]);
});

test('a removed directory is gone with all its files', async () => {
  const { files, path } = await created();
  files.append(PLACE, 'log.jsonl', bytes('{}\n'));
  expect(await files.remove(PLACE)).toBe(true);
  expect(existsSync(path)).toBe(false);
  expect(files.state(PLACE, 'run.json')).toBeUndefined();
  expect(() => files.append(PLACE, 'log.jsonl', bytes('{}\n'))).toThrow('is gone');
  expect(await files.remove(PLACE)).toBe(false);
});

describe('what is no plain directory or file is refused', () => {
  test('a link in place of runs, of a month, of a run or of a file', async () => {
    const { mlopsDir, files } = openFiles();
    const outside = scratchDirectory();
    mkdirSync(join(outside, '2026-11', ID), { recursive: true });
    symlinkSync(outside, join(mlopsDir, 'runs'));
    expect(() => files.months()).toThrow(/symbolic link/);
    expect(() => files.state(PLACE, 'run.json')).toThrow(/symbolic link/);

    const second = openFiles();
    mkdirSync(join(second.mlopsDir, 'runs/2026-11'), { recursive: true });
    symlinkSync(join(outside, '2026-11', ID), join(second.mlopsDir, 'runs/2026-11', ID));
    expect(() => second.files.read(PLACE, 'run.json')).toThrow(/symbolic link/);
    expect(() => second.files.append(PLACE, 'log.jsonl', bytes('{}\n'))).toThrow(/symbolic link/);

    const third = await created();
    symlinkSync(join(outside, 'target'), join(third.path, 'log.jsonl'));
    expect(() => third.files.append(PLACE, 'log.jsonl', bytes('{}\n'))).toThrow(/symbolic link/);
    expect(() => third.files.read(PLACE, 'log.jsonl')).toThrow(/symbolic link/);
    expect(() => third.files.state(PLACE, 'log.jsonl')).toThrow(/regular file/);
    expect(existsSync(join(outside, 'target'))).toBe(false);
  });

  test.each([
    [{ month: '../..', name: ID }, 'run.json'],
    [{ month: '2026-13', name: ID }, 'run.json'],
    [{ month: '2026-11', name: '..' }, 'run.json'],
    [{ month: '2026-11', name: ID.toUpperCase() }, 'run.json'],
    [PLACE, '../../config.json'],
    [PLACE, 'other.json'],
  ])('%j %s', async (place, file) => {
    const { files } = await created();
    expect(() => files.read(place, file)).toThrow(expect.objectContaining({ code: 'UNSAFE_PATH' }));
  });
});

test('this process has not ended; one whose start is another has', () => {
  const { files } = openFiles();
  const self = files.self();
  expect(files.hasEnded(self)).toBe(false);
  expect(files.hasEnded({ ...self, host: 'elsewhere', pid: 999_999_9 })).toBe(false);
  expect(files.hasEnded({ ...self, bootId: 'another start of this machine' })).toBe(self.bootId !== '');
  const [namespace = ''] = self.processStart.split(':');
  if (self.processStart !== '')
    expect(files.hasEnded({ ...self, processStart: `${namespace}:1` })).toBe(true);
});
