import { cp, readFile, readdir, rm, stat } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { asRegistry, type RegistryRepo } from '../support/registry-repo.ts';
import { tempGitRepo } from '../support/temp-repo.ts';

const FIXTURE = join(import.meta.dirname, '../fixtures/formats/v1/.mlops');
const FIRST = 'sha256:1660389df6ca9b74eb53ea71f75cdfa0b1a1fa73981dc4315ed0db0794d0f676';

/** The fixture as the registry of a repository of its own, as if it had been cloned with its objects. */
async function formatOne(): Promise<RegistryRepo> {
  const repo = asRegistry(await tempGitRepo({ files: { 'README.md': 'a project\n' } }));
  await cp(FIXTURE, join(repo.root, '.mlops'), { recursive: true });
  return repo;
}

async function bytesBelow(directory: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const name of await readdir(directory, { recursive: true })) {
    if (/^(?:cache[/\\]index|tmp)/.test(name) || (await stat(join(directory, name))).isDirectory()) continue;
    found.set(
      name,
      createHash('sha256')
        .update(await readFile(join(directory, name)))
        .digest('hex'),
    );
  }
  return found;
}

describe('a registry of format version 1', () => {
  test('is listed as it was written', async () => {
    const repo = await formatOne();
    expect((await repo.json<{ models: unknown[] }>('list')).models).toEqual([
      { model: 'churn', versions: 1, latest: 'v1', stages: {}, updatedAt: '2026-11-23T23:25:04.504Z' },
      {
        model: 'fraud_detector',
        versions: 2,
        latest: 'v1.0.1',
        stages: { production: 'v1.0.0', staging: 'v1.0.0' },
        updatedAt: '2026-11-23T23:25:03.879Z',
      },
    ]);
    expect(await repo.json('show', 'fraud_detector@production')).toMatchObject({
      version: 'v1.0.0',
      number: 1,
      digest: FIRST,
      metrics: { accuracy: 0.95, loss: null },
      nonFinite: { loss: 'NaN' },
      params: { depth: '10' },
      tags: { reviewed: 'yes', team: 'risk' },
      description: 'the first version',
      stages: ['production', 'staging'],
      deprecated: false,
      present: { local: true },
    });
    expect(await repo.json('show', 'fraud_detector')).toMatchObject({
      version: 'v1.0.1',
      number: 2,
      deprecated: true,
    });
    expect(await repo.failure('show', 'fraud_detector@v0.9.0-rc')).toMatchObject({
      code: 'VERSION_NOT_FOUND',
      exitCode: 2,
    });
  });

  test('has its history', async () => {
    const repo = await formatOne();
    const { events } = await repo.json<{ events: { type: string; id: string }[] }>(
      'history',
      'fraud_detector',
    );
    expect(
      events.map(({ type, id }) => `${type} ${id.slice('sha256:'.length, 'sha256:'.length + 16)}`),
    ).toEqual([
      'deleted 41e1fe845dc88589',
      'saved e926eb11ca884617',
      'promoted 3abfb2e106b2503c',
      'deprecated 52e0d893b1b936f4',
      'annotated 1fe4617d497176a1',
      'rolled-back ea9debfae5675469',
      'promoted 048884a4520869e1',
      'promoted 69c44bf31095215f',
      'saved c2bb01e725aa3954',
      'saved 3438931c0337773d',
    ]);
    const at = await repo.json('history', 'fraud_detector', '--at', '2026-11-23T23:25:06Z');
    expect(at).toMatchObject({ stages: { production: 'v1.0.1' } });
  });

  test('is whole to the last byte, and reading it changes none', async () => {
    const repo = await formatOne();
    const before = await bytesBelow(join(repo.root, '.mlops'));
    expect(await repo.json('verify', '--deep')).toMatchObject({
      checked: { records: 4, events: 11, manifests: 4, packs: 2, blobs: 4 },
      damage: [],
      notices: [],
    });
    expect(await bytesBelow(join(repo.root, '.mlops'))).toEqual(before);
  });

  test('is restored byte for byte, with the executable bit', async (context) => {
    const repo = await formatOne();
    await repo.json('load', 'fraud_detector@production', '-o', 'model', '--expect', FIRST);
    expect(await repo.read('model/config.json')).toBe('{"threshold": 0.5}\n');
    expect(await repo.read('model/weights.txt')).toBe('weights of the first version\n');
    expect(await repo.read('model/predict.sh')).toBe('#!/bin/sh\necho predict\n');
    await repo.json('load', 'churn', '-o', 'churn.txt');
    expect(await repo.read('churn.txt')).toBe('weights of the second version\n');
    if (process.platform === 'win32') context.skip('Windows has no executable bit');
    expect((await stat(join(repo.root, 'model/predict.sh'))).mode & 0o111).not.toBe(0);
    expect((await stat(join(repo.root, 'model/config.json'))).mode & 0o111).toBe(0);
  });

  test('gives the same digests when the same files are saved today, and can be gone on with', async () => {
    const repo = await formatOne();
    await repo.json('load', 'fraud_detector@v1.0.0', '-o', 'model');
    await rm(join(repo.root, '.mlops/cache'), { recursive: true });
    expect(await repo.json('save', 'again', 'model', '--version', 'v1')).toMatchObject({ digest: FIRST });
    expect(await repo.json('promote', 'fraud_detector@v1.0.0', '--to', 'production')).toMatchObject({
      moved: false,
    });
    expect(await repo.json('annotate', 'fraud_detector@v1.0.0', '--tag', 'still=here')).toMatchObject({
      version: 'v1.0.0',
    });
    expect((await repo.run('verify', '--metadata-only')).code).toBe(0);
  });
});
