import type * as Fs from 'node:fs';
import { appendFileSync, renameSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { noise, writeTree } from './support/scratch.ts';
import { objectPaths, workspace } from './support/workspace.ts';

/** Done once, right after bytes of a file were read and before anybody looks at the file again. */
const after = vi.hoisted(() => ({ read: undefined as (() => void) | undefined }));

// A small file is read between two turns of the event loop: nothing else in this process can come in between.
vi.mock('node:fs', async (original) => {
  const fs = await original<typeof Fs>();
  const readSync = (...given: Parameters<typeof fs.readSync>): number => {
    const count = fs.readSync(...given);
    const change = after.read;
    after.read = undefined;
    change?.();
    return count;
  };
  return { ...fs, readSync };
});

afterEach(() => {
  after.read = undefined;
});

test.each([
  ['grows', (path: string) => appendFileSync(path, 'x')],
  [
    'is written to and given its old time again',
    (path: string) => {
      const { atime, mtime } = statSync(path);
      writeFileSync(path, noise(1000, 2));
      utimesSync(path, atime, mtime);
    },
  ],
  [
    'is replaced',
    (path: string) => {
      writeFileSync(`${path}.new`, noise(1000, 2));
      renameSync(`${path}.new`, path);
    },
  ],
])('a small file that %s while it is read is an error, and nothing is stored', async (_how, change) => {
  const space = workspace();
  const path = join(space.root, 'data/small.bin');
  writeTree(join(space.root, 'data'), { 'small.bin': noise(1000, 1) });
  after.read = () => change(path);
  await expect(space.store.store('data')).rejects.toMatchObject({
    code: 'SOURCE_CHANGED',
    exitCode: 3,
    message: expect.stringContaining('small.bin'),
  });
  expect(after.read).toBeUndefined();
  expect([...objectPaths(space, 'packs'), ...objectPaths(space, 'manifests')]).toEqual([]);
});
