import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { captureEnvironment } from '../../../src/core/runs/environment.ts';
import { parseGpus, readGpus } from '../../../src/core/runs/gpus.ts';
import { treeUsage } from '../../../src/core/runs/process-tree.ts';
import { assertNoSecrets, looksSecret, redactCommand } from '../../../src/core/runs/redact.ts';
import { entryPointOf } from '../../../src/core/runs/source.ts';
import { tempDirectory } from '../../support/temp-repo.ts';
import { memoryRepository } from '../../support/memory-repository.ts';
import { runSpace } from './support.ts';

const TOKEN = `ghp_${'a1B2c3D4e5F6'.repeat(3)}`;

describe('secrets', () => {
  test.each([
    [
      ['train', '--password', 'hunter2', '--lr', '0.1'],
      ['train', '--password', '***', '--lr', '0.1'],
    ],
    [
      ['train', '--api-key=abc', '--tokenizer', 'bert'],
      ['train', '--api-key=***', '--tokenizer', 'bert'],
    ],
    [
      ['env', 'HF_TOKEN=abc', 'python'],
      ['env', 'HF_TOKEN=***', 'python'],
    ],
    [
      ['--max-tokens', '512', '--token'],
      ['--max-tokens', '512', '--token'],
    ],
    [
      ['--db', 'postgres://ada:pw@host/db?x=1'],
      ['--db', 'postgres://host/db'],
    ],
    [['--url=https://ada:pw@host/x'], ['--url=https://host/x']],
    [
      ['push', TOKEN],
      ['push', '***'],
    ],
    [
      ['python', 'train.py', '--epochs', '3'],
      ['python', 'train.py', '--epochs', '3'],
    ],
  ])('of %j are left out', (words, expected) => {
    expect(redactCommand(words, [])).toEqual(expected);
  });

  test('typed by a person are refused, logged by a script are kept as ***', async () => {
    expect(() => assertNoSecrets('param', [['note', TOKEN]], [])).toThrow(/GitHub token/);
    expect(looksSecret('depth', '10', [])).toBe(false);
    expect(looksSecret('tokenizer', 'bert-base-uncased', [])).toBe(false);
    const { store, path } = await runSpace();
    const run = await store.create({ writer: 'nobody', params: new Map([['p', TOKEN]]) });
    await store.log(run.id, { tags: [['note', `my ${TOKEN}`]], params: [['p', TOKEN]] });
    const seen = await store.get(run.id);
    expect(seen.params.get('p')).toBe('***');
    expect(seen.tags.get('note')).toBe('***');
    const files = ['run.json', 'log.jsonl'].map((file) => join(path(run), file));
    for (const file of files) expect(readFileSync(file, 'utf8')).not.toContain(TOKEN);
  });
});

test.each([
  [['python', 'train.py', '--lr', '1'], 'train.py'],
  [['python3.11', '-m', 'pkg.train', 'x.py'], 'pkg.train'],
  [['uv', 'run', 'python', 'src/train.py'], 'src/train.py'],
  [['torchrun', '--nproc', '2', 'train.py'], 'train.py'],
  [['./train', '--x'], './train'],
  [['python', '-c', 'print(1)'], 'python'],
  [[], undefined],
])('the entry point of %j is %s', (command, expected) => {
  expect(entryPointOf(command)).toBe(expected);
});

test('the environment is an allow-list', async () => {
  const repository = await memoryRepository();
  const cwd = join(repository.root, 'sub');
  mkdirSync(cwd);
  writeFileSync(join(repository.root, 'requirements.txt'), 'numpy==2.0\n');
  writeFileSync(join(cwd, 'uv.lock'), 'x');
  const env = {
    AWS_SECRET_ACCESS_KEY: 'secret',
    PATH: '/bin',
    CI: 'true',
    CUDA_VISIBLE_DEVICES: '0',
    GITHUB_SHA: TOKEN,
  };
  const captured = await captureEnvironment(repository, { cwd, env, gpus: ['Card'] });
  expect([...(captured.variables ?? [])]).toEqual([
    ['CI', 'true'],
    ['CUDA_VISIBLE_DEVICES', '0'],
  ]);
  expect(captured.files?.map(({ path }) => path)).toEqual(['requirements.txt', 'sub/uv.lock']);
  expect(captured.files?.[0]?.digest).toBe(
    'sha256:4e6648d7d85857bfc096a531dd6dcd0f7423b987d7a61e232eee8ac7deff0b96',
  );
  expect(captured).toMatchObject({ platform: 'linux', arch: 'x64', gpus: ['Card'] });
  expect(captured.memory).toBeGreaterThan(0);
});

describe('graphics cards', () => {
  test('are read from what nvidia-smi prints', () => {
    const text =
      '0, NVIDIA A100, 97, 30000, 40960, 250.53\n1, Tesla, [N/A], 10, 100, [Not Supported]\nNo devices\n';
    expect(parseGpus(text)).toEqual([
      { index: 0, name: 'NVIDIA A100', utilization: 97, memory: 30000, totalMemory: 40960, power: 250.53 },
      { index: 1, name: 'Tesla', utilization: undefined, memory: 10, totalMemory: 100, power: undefined },
    ]);
  });

  test('are asked for with the program on PATH, and are none without it', async () => {
    const directory = await tempDirectory();
    expect(await readGpus({ PATH: directory })).toEqual([]);
    writeFileSync(join(directory, 'nvidia-smi'), '#!/bin/sh\necho "0, Card, 5, 1, 2, 3.5"\n');
    chmodSync(join(directory, 'nvidia-smi'), 0o755);
    expect(await readGpus({ PATH: directory })).toMatchObject([{ name: 'Card', utilization: 5 }]);
    writeFileSync(join(directory, 'nvidia-smi'), '#!/bin/sh\nexit 9\n');
    expect(await readGpus({ PATH: directory })).toEqual([]);
  });
});

test.skipIf(process.platform !== 'linux')('a tree of processes uses what its members use', () => {
  const usage = treeUsage(process.pid);
  expect(usage?.memory).toBeGreaterThan(10 * 1024 * 1024);
  expect(usage?.cpuSeconds).toBeGreaterThan(0);
  expect(treeUsage(2 ** 22 + 1)).toBeUndefined();
});
