import { rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { commitAll, gc } from '../support/collected.ts';
import { registryRepo, type RegistryRepo } from '../support/registry-repo.ts';
import { flip, objectsOf, shared } from '../support/shared-remote.ts';
import { tempDirectory } from '../support/temp-repo.ts';

interface Saved {
  digest: string;
  created: boolean;
  run: string | null;
  referenceProfile: { digest: string; size: number } | null;
}

/** Data of which `shift` moves the amounts; without one there is no drift. */
function table(rows: number, seed: number, shift = 0): string {
  let state = seed;
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return ((state >>> 8) + 0.5) / 2 ** 24;
  };
  const lines = Array.from(
    { length: rows },
    () => `${(100 * (random() + random() + shift)).toFixed(3)},${random() < 0.3 ? 'Graz' : 'Linz'}`,
  );
  return `amount,city\n${lines.join('\n')}\n`;
}

async function withData(repo: RegistryRepo): Promise<void> {
  await repo.write('train.csv', table(2000, 1));
  await repo.write('same.csv', table(2000, 2));
  await repo.write('up.csv', table(2000, 3, 0.3));
  await repo.write('model.bin', 'weights');
}

function save(repo: RegistryRepo, ...options: string[]): Promise<Saved> {
  return repo.json<Saved>('save', 'fraud', 'model.bin', '--version', 'v1', ...options);
}

/** fraud@v1 with the profile of train.csv, in production and committed. */
async function withReference(repo: RegistryRepo): Promise<Saved> {
  await withData(repo);
  const saved = await save(repo, '--reference', 'train.csv');
  await repo.json('promote', 'fraud@v1', '--to', 'production');
  return saved;
}

async function codes(repo: RegistryRepo, reference: string): Promise<number[]> {
  const same = await repo.run('drift', reference, 'same.csv');
  const up = await repo.run('drift', reference, 'up.csv');
  return [same.code, up.code];
}

async function record(repo: RegistryRepo, version = 'v1') {
  return JSON.parse(await repo.read(`.mlops/models/fraud/versions/${version}.json`)) as {
    referenceProfile?: { digest: string; size: number };
    lineage: { run?: string };
  };
}

describe('save --reference', () => {
  test('stores the profile of the data; drift takes it by version, stage and model', async () => {
    const repo = await registryRepo();
    const { referenceProfile, digest } = await withReference(repo);
    expect(referenceProfile).toMatchObject({
      digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) as string,
    });
    expect(referenceProfile?.digest).not.toBe(digest);
    expect((await record(repo)).referenceProfile).toEqual(referenceProfile);
    await rm(join(repo.root, 'train.csv'));
    for (const reference of ['fraud@v1', 'fraud@production', 'fraud'])
      expect([reference, await codes(repo, reference)]).toEqual([reference, [0, 1]]);
    expect((await repo.run('verify', '--deep')).code).toBe(0);
  });

  test('takes several files, globs, and the file that mlops profile wrote', async () => {
    const repo = await registryRepo();
    await withData(repo);
    const whole = table(2000, 1).split('\n');
    await repo.write('parts/1.csv', `${whole.slice(0, 900).join('\n')}\n`);
    await repo.write('parts/2.csv', `${whole[0]}\n${whole.slice(900).join('\n')}`);
    const { referenceProfile } = await save(repo, '--reference', 'train.csv');
    await repo.json('profile', 'train.csv', '-o', 'train.json');
    for (const [index, words] of [
      ['parts/*.csv'],
      ['parts/1.csv', 'parts/2.csv'],
      ['train.json'],
    ].entries()) {
      const label = `w${index}`;
      const references = words.flatMap((word) => ['--reference', word]);
      const saved = await repo.json<Saved>('save', 'fraud', 'model.bin', '--version', label, ...references);
      expect(saved.referenceProfile).toEqual(referenceProfile);
      expect(await codes(repo, `fraud@${label}`)).toEqual([0, 1]);
    }
  });

  test('data that are no table, or have no rows, save nothing', async () => {
    const repo = await registryRepo();
    await withData(repo);
    await repo.write('empty.csv', '');
    await repo.write('header.csv', 'amount,city\n');
    await repo.write('ragged.csv', 'amount,city\n1,a\n2\n');
    await repo.write('none.json', '{"schema": "mlops.profile/1", "rows": 0, "columns": []}');
    for (const name of ['empty.csv', 'header.csv', 'ragged.csv', 'none.json', 'missing.csv']) {
      const words = ['save', 'fraud', 'model.bin', '--version', 'v1', '--reference', name];
      expect(await repo.failure(...words)).toMatchObject({
        exitCode: 2,
        message: expect.stringContaining(name) as string,
      });
    }
    expect((await repo.failure('show', 'fraud@v1')).code).toBe('MODEL_NOT_FOUND');
  });

  test('of a version without a profile says how to save one with it', async () => {
    const repo = await registryRepo();
    await withData(repo);
    await save(repo);
    const failure = await repo.failure('drift', 'fraud@v1', 'same.csv');
    expect(failure).toMatchObject({ code: 'NO_REFERENCE_PROFILE', exitCode: 2 });
    expect(failure.message).toContain('fraud@v1');
    expect(failure.hint).toContain('mlops save fraud <path> --reference <data>');
  });

  test('a version that is there already keeps what it has, and a warning says so', async () => {
    const repo = await registryRepo();
    await withData(repo);
    await save(repo);
    const again = await repo.run('save', 'fraud', 'model.bin', '--version', 'v1', '--reference', 'train.csv');
    expect(again.code).toBe(0);
    expect(again.stderr).toContain('without a reference profile');
    expect((await record(repo)).referenceProfile).toBeUndefined();
  });

  test('--dry-run names the profile and writes nothing', async () => {
    const repo = await registryRepo();
    await withData(repo);
    const dry = await save(repo, '--reference', 'train.csv', '--dry-run');
    expect(await objectsOf(join(repo.root, '.mlops/cache'), 'manifests')).toEqual([]);
    expect((await save(repo, '--reference', 'train.csv')).referenceProfile).toEqual(dry.referenceProfile);
  });
});

describe('the profile of a version', () => {
  test('goes with push, and a clone without the training data checks against it', async () => {
    const { here, there } = await shared();
    await withReference(here);
    await rm(join(here.root, 'train.csv'));
    await here.json('push');
    for (const bring of [['pull'], ['fetch'], []]) {
      const clone = await there();
      if (bring.length > 0) await clone.json(...bring);
      expect([bring, await codes(clone, 'fraud@production')]).toEqual([bring, [0, 1]]);
      await clone.json('load', 'fraud@production', '-o', 'restored.bin');
      expect(await clone.read('restored.bin')).toBe('weights');
    }
  });

  test('that nobody pushed is exit 3 in a clone, by name', async () => {
    const { here, there } = await shared();
    await withReference(here);
    const clone = await there();
    const failure = await clone.failure('drift', 'fraud@production', 'same.csv');
    expect(failure.exitCode).toBe(3);
    expect(failure.message).toContain('fraud@v1');
  });

  test('is kept by gc as long as its version is, and goes with it', async () => {
    const repo = await registryRepo();
    const { referenceProfile } = await withReference(repo);
    await commitAll(repo, 'v1');
    await rm(join(repo.root, 'train.csv'));
    expect((await gc(repo, '--yes')).removed).toMatchObject({ manifests: 0, packs: 0 });
    expect(await codes(repo, 'fraud@production')).toEqual([0, 1]);
    await repo.json('save', 'fraud', 'model.bin', '--version', 'v2', '--reference', 'up.csv');
    await repo.json('delete', 'fraud@v2', '--reason', 'wrong data');
    await commitAll(repo, 'v2 came and went');
    // The model is the same artifact: only the profile of v2 is garbage.
    const removed = await gc(repo, '--yes');
    expect(removed.removed).toMatchObject({ manifests: 1, packs: 1 });
    expect(removed.manifests.map(({ digest }) => digest)).not.toContain(referenceProfile?.digest);
    expect(await codes(repo, 'fraud@v1')).toEqual([0, 1]);
    expect((await repo.run('verify', '--deep')).code).toBe(0);
  });

  test('is found damaged by verify with its version, and repaired from the remote', async () => {
    const { here } = await shared();
    await withData(here);
    await save(here);
    const cache = join(here.root, '.mlops/cache');
    const before = new Set(await objectsOf(cache, 'packs'));
    await here.json('save', 'fraud', 'model.bin', '--version', 'v2', '--reference', 'train.csv');
    await here.json('push', '--all');
    const [pack = '', ...others] = (await objectsOf(cache, 'packs')).filter((path) => !before.has(path));
    expect(others).toEqual([]);
    expect((await here.run('verify', '--deep')).code).toBe(0);
    await flip(pack, 20);
    const found = await here.run('verify', '--deep');
    expect(found.code).toBe(3);
    expect(found.stdout).toContain(relative(here.root, pack));
    expect((await here.run('verify', '--deep', 'fraud@v2')).code).toBe(3);
    expect((await here.run('verify', '--deep', 'fraud@v1')).code).toBe(0);
    await here.run('verify', '--deep', '--repair');
    expect((await here.run('verify', '--deep')).code).toBe(0);
    expect(await codes(here, 'fraud@v2')).toEqual([0, 1]);
  });

  test('that is damaged and can be had nowhere is exit 3, not a verdict', async () => {
    const repo = await registryRepo();
    await withReference(repo);
    for (const path of await objectsOf(join(repo.root, '.mlops/cache'), 'packs')) await flip(path, 20);
    const failure = await repo.failure('drift', 'fraud@v1', 'same.csv');
    expect(failure).toMatchObject({ exitCode: 3, code: expect.stringMatching(/^OBJECT_/) as string });
  });

  test('is in the bundle of export, and import brings it', async () => {
    const repo = await registryRepo();
    const { referenceProfile } = await withReference(repo);
    const bundle = join(await tempDirectory(), 'fraud.tar.gz');
    await repo.json('export', 'fraud@v1', '-o', bundle);
    const other = await registryRepo();
    await withData(other);
    await rm(join(other.root, 'train.csv'));
    await other.json('import', bundle);
    expect((await record(other)).referenceProfile).toEqual(referenceProfile);
    expect(await codes(other, 'fraud@v1')).toEqual([0, 1]);
    expect((await other.run('verify', '--deep')).code).toBe(0);
  });
});

describe('save --run', () => {
  async function withRun(): Promise<{ repo: RegistryRepo; id: string }> {
    const repo = await registryRepo();
    await withData(repo);
    await repo.run(
      'run',
      '--name',
      'nightly',
      '--sample',
      '0',
      '--no-diff',
      '--',
      process.execPath,
      '-e',
      '0',
    );
    const { run } = await repo.json<{ run: { id: string } }>('runs', 'show', 'nightly');
    return { repo, id: run.id };
  }

  test('records the run that a version came from: by id, start of it, name, or MLOPS_RUN_ID', async () => {
    const { repo, id } = await withRun();
    for (const [index, named] of [id, id.slice(0, 12), 'nightly'].entries()) {
      const label = `r${index}`;
      const saved = await repo.json<Saved>('save', 'fraud', 'model.bin', '--version', label, '--run', named);
      expect(saved.run).toBe(id);
      expect((await record(repo, label)).lineage.run).toBe(id);
    }
    const words = ['save', 'fraud', 'model.bin', '--version', 'v1', '--json'];
    const { code, stdout, stderr } = await repo.runWith({ env: { MLOPS_RUN_ID: id } }, ...words);
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toMatchObject({ data: { run: id } });
    expect((await record(repo)).lineage.run).toBe(id);
    expect((await save(repo, '--tag', 'a=b')).run).toBe(id);
    expect((await repo.json<Saved>('save', 'fraud', 'model.bin', '--version', 'v2')).run).toBeNull();
  });

  test('an unknown MLOPS_RUN_ID costs no model: it is saved without its run, with a warning', async () => {
    const { repo } = await withRun();
    const words = ['save', 'fraud', 'model.bin', '--version', 'v1'];
    const { code, stderr } = await repo.runWith({ env: { MLOPS_RUN_ID: 'f'.repeat(32) } }, ...words);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^warning: MLOPS_RUN_ID: .*f{8}/m);
    expect((await record(repo)).lineage.run).toBeUndefined();
    await repo.json('load', 'fraud@v1', '-o', 'restored.bin');
  });

  test('an unknown --run saves nothing', async () => {
    const { repo } = await withRun();
    expect(
      await repo.failure('save', 'fraud', 'model.bin', '--version', 'v1', '--run', 'nigthly'),
    ).toMatchObject({ code: 'RUN_NOT_FOUND', exitCode: 2 });
    expect((await repo.failure('show', 'fraud@v1')).exitCode).toBe(2);
  });
});
