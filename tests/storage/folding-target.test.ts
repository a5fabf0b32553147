import type * as Fs from 'node:fs';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { foldName } from '../../src/lib/portable-names.ts';
import { writeTree } from './support/scratch.ts';
import { workspace, type Workspace } from './support/workspace.ts';

/** While true, a look at a name finds what a file system that folds names would find. */
const folding = vi.hoisted(() => ({ isOn: false }));

// No file system of Linux that folds names can be counted on, and `mkfs.ext4 -O casefold` needs a kernel built for it.
vi.mock('node:fs', async (original) => {
  const fs = await original<typeof Fs>();
  const lstatSync = (path: string, options: object): unknown => {
    const found = fs.lstatSync(path, { ...options, throwIfNoEntry: false });
    if (found !== undefined || !folding.isOn || !fs.existsSync(dirname(path)))
      return found ?? fs.lstatSync(path, options);
    const wanted = foldName(path.slice(dirname(path).length + 1));
    const twin = fs.readdirSync(dirname(path)).find((name) => foldName(name) === wanted);
    return twin === undefined ? fs.lstatSync(path, options) : fs.lstatSync(join(dirname(path), twin));
  };
  return { ...fs, lstatSync };
});

afterEach(() => {
  folding.isOn = false;
});

async function collided(names: readonly [string, string]): Promise<{ space: Workspace; digest: string }> {
  const space = workspace();
  writeTree(join(space.root, 'data'), { [names[0]]: '1', [names[1]]: '2', other: '3' });
  const { digest } = await space.store.store('data', { allowCollisions: true });
  rmSync(join(space.root, 'data'), { recursive: true });
  return { space, digest };
}

const PAIRS = [
  ['Model.bin', 'model.bin'],
  ['caf\u00e9', 'cafe\u0301'],
] as const;

describe('names that the file system of the target takes for one', () => {
  test.each(PAIRS)('%j beside %j: a load is refused before anything is there', async (...names) => {
    const { space, digest } = await collided(names);
    folding.isOn = true;
    await expect(space.store.restore(digest, join(space.root, 'out'))).rejects.toMatchObject({
      code: 'NAME_COLLISION',
      exitCode: 4,
    });
    expect(existsSync(join(space.root, 'out'))).toBe(false);
    expect(readdirSync(space.root).filter((name) => name.startsWith('.tmp-'))).toEqual([]);
  });

  test.each(PAIRS)('%j beside %j: so is a checkout', async (...names) => {
    const { space, digest } = await collided(names);
    folding.isOn = true;
    await expect(space.store.update(digest, 'data')).rejects.toMatchObject({
      code: 'NAME_COLLISION',
      exitCode: 4,
    });
    expect(existsSync(join(space.root, 'data'))).toBe(false);
  });

  test.each(PAIRS)('%j beside %j: both come back where names are told apart', async (...names) => {
    const { space, digest } = await collided(names);
    await space.store.restore(digest, join(space.root, 'out'));
    expect(readdirSync(join(space.root, 'out')).toSorted()).toEqual([...names, 'other'].toSorted());
  });
});
