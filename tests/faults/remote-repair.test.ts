import { chmod, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { canonicalJson } from '../../src/lib/canonical-json.ts';
import { errorOf } from '../support/binary.ts';
import { observed, sharedRepository } from '../support/fault-repository.ts';
import {
  contentsOf,
  hashesOf,
  keysOf,
  objectsHere,
  pushedContents,
  remoteCase,
  rotThird,
  saveThird,
  wrong,
  type RemoteCase,
} from '../support/fault-remote.ts';

const shared = sharedRepository();
let complete: ReadonlyMap<string, Buffer>;
beforeAll(async () => {
  await saveThird(shared());
  complete = await pushedContents(shared());
});

describe('verify --repair', () => {
  /** Whether some file in the quarantine has these bytes. */
  async function isKept({ repository }: RemoteCase, bytes: Buffer): Promise<boolean> {
    const directory = join(repository.root, '.mlops/cache/quarantine');
    const names = await readdir(directory).catch(() => []);
    const files = await Promise.all(names.map((name) => readFile(join(directory, name))));
    return files.some((file) => file.equals(bytes));
  }

  test('damaged here, good there: fetched again, the bad bytes kept, exit 0 (B3)', async () => {
    const at = await remoteCase(shared(), { contents: complete });
    const { bad } = await rotThird(at.repository);
    const before = observed(at.repository);
    const repaired = await at.run('verify', '--repair');
    expect([repaired.code, repaired.stdout]).toEqual([0, expect.stringContaining('no damage found')]);
    expect(await isKept(at, bad)).toBe(true);
    expect(wrong(observed(at.repository), before)).toEqual([]);
    expect((await at.run('verify', '--deep')).code).toBe(0);
    expect((await at.run('load', 'demo@v3', '-o', 'back', '--offline')).code).toBe(0);
  });

  test('damaged here and there: exit 3 names both places, and nothing is deleted (B4)', async () => {
    const at = await remoteCase(shared(), { contents: complete });
    const { path, bad } = await rotThird(at.repository);
    const name = path.split('/').at(-1) ?? '';
    const there = keysOf(at.server.objects, 'packs').find((key) => key.endsWith(name)) ?? '';
    at.server.objects.flip(there, 1000);
    const keys = at.server.objects.keys();
    const outcome = await at.run('--json', 'verify', '--repair');
    expect(outcome.code, outcome.stderr).toBe(3);
    expect(outcome.stdout + outcome.stderr).toContain(name);
    expect(outcome.stdout + outcome.stderr).toMatch(/on the remote/);
    expect(outcome.stdout + outcome.stderr).toMatch(/quarantine/);
    expect(await isKept(at, bad)).toBe(true);
    expect(at.server.objects.keys()).toEqual(keys);
    expect((await at.run('load', 'demo@v2', '-o', 'two', '--offline')).code).toBe(0);
  });

  test('a manifest damaged here that the remote lacks: exit 3 names both places, now and later (B4)', async () => {
    const without = [...complete].filter(([key]) => !key.startsWith('team/manifests/'));
    const at = await remoteCase(shared(), { contents: new Map(without) });
    const [path = ''] = objectsHere(at.repository, 'manifests');
    const file = join(at.repository.root, '.mlops/cache', path);
    const bad = await readFile(file);
    bad[9] = (bad[9] ?? 0) ^ 1;
    await chmod(file, 0o644);
    await writeFile(file, bad);
    const outcome = await at.run('--json', 'verify', '--repair');
    expect(outcome.code, outcome.stderr).toBe(3);
    expect(outcome.stdout).toContain(path);
    expect(outcome.stdout).toMatch(/on the remote/);
    expect(outcome.stderr).toMatch(/quarantine/);
    expect(await isKept(at, bad)).toBe(true);
    expect((await at.run('verify')).code).toBe(3);
    // The same of one that the remote has: fetched again (B3).
    for (const [key, bytes] of complete) at.server.objects.put(key, bytes);
    const repaired = await at.run('verify', '--repair');
    expect([repaired.code, repaired.stdout]).toEqual([0, expect.stringContaining('no damage found')]);
    expect((await at.run('verify', '--deep')).code).toBe(0);
  });

  test.for([
    { what: 'a newer format', format: { requiredFeatures: [], schema: 'mlops.format/1', version: 2 } },
    {
      what: 'a feature that is not known',
      format: { requiredFeatures: ['signatures'], schema: 'mlops.format/1', version: 1 },
    },
  ])('of $what: exit 2, untouched (B5)', async ({ format }) => {
    const at = await remoteCase(shared(), { contents: complete });
    await rotThird(at.repository);
    await writeFile(join(at.repository.root, '.mlops/format.json'), canonicalJson(format));
    const before = observed(at.repository);
    for (const argv of [
      ['verify', '--repair'],
      ['push', '--repair'],
      ['fetch', '--all'],
      ['gc', '--remote', '--yes'],
    ]) {
      const outcome = await at.run('--json', ...argv);
      expect([argv, outcome.code]).toEqual([argv, 2]);
      expect(errorOf(outcome).code).toBe('FORMAT_UNSUPPORTED');
    }
    expect(hashesOf(await contentsOf(at.server))).toEqual(hashesOf(complete));
    expect([...observed(at.repository).objects]).toEqual([...before.objects]);
  });
});
