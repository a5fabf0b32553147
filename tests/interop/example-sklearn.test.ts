import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { tempGitRepo } from '../support/temp-repo.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const example = join(root, 'examples', 'fraud-detection');
const binary = join(root, 'bin', 'mlops.js');
const python = join(
  root,
  '.venv',
  'interop',
  ...(process.platform === 'win32' ? ['Scripts', 'python.exe'] : ['bin', 'python']),
);

test(
  'a scikit-learn model comes back byte for byte and predicts as it did',
  { timeout: 300_000 },
  async (ctx) => {
    if (!existsSync(python)) {
      ctx.skip(
        'no Python at .venv/interop, which npm run test:interop makes where Python can install packages',
      );
    }
    const { root: project, env } = await tempGitRepo({
      files: { '.gitignore': 'data/\nbuild/\nrestored/\nmetrics*.json\n' },
    });
    const run = async (file: string, ...args: string[]) =>
      (await promisify(execFile)(file, args, { cwd: project, env: { ...env, PYTHONDONTWRITEBYTECODE: '1' } }))
        .stdout;
    const mlopsData = async (...args: string[]) =>
      (JSON.parse(await run(process.execPath, binary, ...args, '--json')) as { data: unknown }).data;
    const read = (path: string) => readFile(join(project, path));

    await run(process.execPath, join(example, 'prepare.mjs'));
    await run(python, join(example, 'train_sklearn.py'), '--trees', '50', '--out', 'build/sklearn');
    const metrics = JSON.parse((await read('metrics.json')).toString()) as Record<string, number>;
    expect(metrics['roc_auc']).toBeGreaterThan(0.75);
    expect(metrics['roc_auc']).toBeLessThan(0.99);

    await mlopsData('init');
    const saveArguments = [
      '--metrics',
      'metrics.json',
      '--data',
      'train=data/train.csv',
      '--param',
      'trees=50',
    ];
    await mlopsData('save', 'fraud_forest', 'build/sklearn', '--version', 'v1.0.0', ...saveArguments);
    const shown = await mlopsData('show', 'fraud_forest@v1.0.0');
    expect(shown).toMatchObject({ version: 'v1.0.0', files: 1, metrics, params: { trees: '50' } });

    await mlopsData('promote', 'fraud_forest@v1.0.0', '--to', 'production');
    await mlopsData('load', 'fraud_forest@production', '-o', 'restored');
    expect(await read('restored/model.joblib')).toEqual(await read('build/sklearn/model.joblib'));

    await run(
      python,
      join(example, 'train_sklearn.py'),
      '--evaluate',
      'restored',
      '--metrics',
      'metrics-restored.json',
    );
    expect(JSON.parse((await read('metrics-restored.json')).toString())).toEqual(metrics);
  },
);
