import { lstatSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { WORTH_A_THREAD } from '../../src/storage/local/fingerprint-thread.ts';
import { createLocalDocumentStore } from '../../src/storage/local/document-store.ts';
import { tempDirectory } from '../support/temp-repo.ts';

const AN_HOUR = 3_600_000;

async function manyFiles(): Promise<{ root: string; directory: string; names: string[] }> {
  const root = join(await tempDirectory(), '.mlops');
  const directory = join(root, 'events');
  mkdirSync(directory, { recursive: true });
  const names = Array.from(
    { length: WORTH_A_THREAD + 10 },
    (_, index) => `${String(index).padStart(6, '0')}.json`,
  );
  for (const name of names) writeFileSync(join(directory, name), name);
  return { root, directory, names };
}

test('many files are listed as few are: in order, with the fingerprint of each, and readable', async () => {
  const { root, directory, names } = await manyFiles();
  mkdirSync(join(directory, 'directory.json'));
  writeFileSync(join(directory, 'other.txt'), '');
  const store = createLocalDocumentStore(root, { now: () => Date.now() + AN_HOUR });
  const files = await store.readDirectory('events');
  expect(files.map(({ name }) => name)).toEqual(names);
  const { size, mtimeNs, ctimeNs, ino } = lstatSync(join(directory, '000007.json'), { bigint: true });
  expect(files[7]?.fingerprint).toBe(`${size}-${mtimeNs}-${ctimeNs}-${ino}`);
  expect(Buffer.from(files[7]?.read() ?? []).toString()).toBe('000007.json');
});

test('a young file among many has no fingerprint, whatever its modification time says', async () => {
  const { root, directory } = await manyFiles();
  utimesSync(join(directory, '000003.json'), 1, 1);
  const files = await createLocalDocumentStore(root).readDirectory('events');
  expect(files[3]?.fingerprint).toBeUndefined();
});

test('a link among many is refused', async () => {
  const { root, directory } = await manyFiles();
  symlinkSync('000001.json', join(directory, 'link.json'));
  const store = createLocalDocumentStore(root);
  await expect(store.readDirectory('events')).rejects.toMatchObject({ exitCode: 4, code: 'UNSAFE_PATH' });
});
