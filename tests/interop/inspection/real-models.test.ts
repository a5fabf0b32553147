import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { inspectModel } from '../../../src/core/inspection/index.ts';
import { GGML_TYPES, GGUF_FILE_TYPES } from '../../../src/core/inspection/gguf-types.ts';

let models = '';

beforeAll(async () => {
  models = await mkdtemp(join(tmpdir(), 'mlops-interop-'));
  const script = fileURLToPath(new URL('make-models.py', import.meta.url));
  const made = spawnSync(inject('interopPython'), ['-W', 'ignore', script, models], { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`the models could not be made: ${made.stderr}`);
});

afterAll(async () => rm(models, { recursive: true, force: true }));

const forest = 'sklearn.ensemble._forest.RandomForestClassifier';

describe('models of scikit-learn', () => {
  it.each([
    ['forest', forest],
    ['pipeline', 'sklearn.pipeline.Pipeline'],
    ['columns', 'sklearn.pipeline.Pipeline'],
    ['hist', 'sklearn.ensemble._hist_gradient_boosting.gradient_boosting.HistGradientBoostingClassifier'],
    ['boost', 'sklearn.ensemble._gb.GradientBoostingClassifier'],
    ['knn', 'sklearn.neighbors._classification.KNeighborsClassifier'],
    ['mlp', 'sklearn.neural_network._multilayer_perceptron.MLPClassifier'],
    ['text', 'sklearn.pipeline.Pipeline'],
  ])('%s has its class and version and no warning, pickled and with joblib', async (name, className) => {
    for (const [suffix, format] of [
      ['pkl', 'pickle'],
      ['joblib', 'joblib'],
    ]) {
      const found = await inspectModel(join(models, `${name}.${suffix}`));
      expect(found.warnings).toEqual([]);
      expect(found.format).toMatchObject({
        name: format,
        framework: 'sklearn',
        details: { class: className, versions: { 'scikit-learn': '1.9.1' } },
      });
    }
  });

  it.each([0, 1, 2, 3, 4, 5])('are read in pickle protocol %d', async (protocol) => {
    const found = await inspectModel(join(models, `forest-p${protocol}.pkl`));
    expect(found.warnings).toEqual([]);
    expect(found.format.details).toMatchObject({ protocol, class: forest });
  });

  it.each(['zlib', 'gzip'])('are read through %s compression', async (compression) => {
    const found = await inspectModel(join(models, `forest-${compression}.joblib`));
    expect(found.warnings).toEqual([]);
    expect(found.format).toMatchObject({ name: 'joblib', details: { compression, class: forest } });
  });

  it.each(['bz2', 'lzma', 'xz'])('are named by their %s compression', async (compression) => {
    const found = await inspectModel(join(models, `forest-${compression}.joblib`));
    expect(found.format).toMatchObject({ name: 'compressed', details: { compression } });
    expect(found.warnings).toHaveLength(1);
  });

  it('are found in a dictionary with arrays of objects', async () => {
    const found = await inspectModel(join(models, 'bundle.joblib'));
    expect(found.warnings).toEqual([]);
    expect(found.format).toMatchObject({ framework: 'sklearn', details: { class: 'builtins.dict' } });
  });
});

describe('models of other libraries', () => {
  it.each([
    ['pipeline.onnx', { name: 'onnx', details: { producer: 'skl2onnx', graph: 'ONNX(Pipeline)' } }],
    [
      'external',
      { name: 'onnx', details: { file: 'model.onnx', externalData: ['weights.bin'], parameters: 1200 } },
    ],
    [
      'xgboost.json',
      {
        name: 'xgboost-json',
        details: { objective: 'binary:logistic', trees: 6, features: 4, version: '3.2.0' },
      },
    ],
    [
      'xgboost.ubj',
      {
        name: 'xgboost-ubj',
        details: { objective: 'binary:logistic', trees: 6, features: 4, version: '3.2.0' },
      },
    ],
    ['xgboost.joblib', { framework: 'xgboost', details: { class: 'xgboost.sklearn.XGBClassifier' } }],
    ['lightgbm.txt', { name: 'lightgbm-text', details: { version: 'v4', trees: 6, features: 4 } }],
    ['lightgbm.pkl', { framework: 'lightgbm', details: { class: 'lightgbm.sklearn.LGBMClassifier' } }],
    ['catboost.cbm', { name: 'catboost-cbm', details: { objective: 'Logloss', version: '1.2.10' } }],
    ['catboost.pkl', { framework: 'catboost', details: { class: 'catboost.core.CatBoostClassifier' } }],
    [
      'weights.safetensors',
      { name: 'safetensors', details: { tensors: 2, parameters: 483, dtypes: { F32: 1, I64: 1 } } },
    ],
    [
      'tiny.gguf',
      {
        name: 'gguf',
        details: { architecture: 'llama', fileType: 'Q8_0', parameters: 736, contextLength: 128 },
      },
    ],
    ['array.npy', { name: 'npy', details: { shape: [120, 4], dtype: '<f4' } }],
    ['arrays.npz', { name: 'npz', details: { arrays: 2 } }],
    ['packed.npz', { name: 'npz', details: { arrays: 1 } }],
    ['legacy.h5', { name: 'hdf5', framework: 'keras', details: { class: 'Sequential' } }],
  ])('%s is recognised without a warning', async (name, format) => {
    const found = await inspectModel(join(models, name));
    expect(found.warnings).toEqual([]);
    expect(found.format).toMatchObject(format);
  });

  it('an ONNX pipeline has its signature', async () => {
    const { signature } = await inspectModel(join(models, 'pipeline.onnx'));
    expect(signature?.inputs).toEqual([{ name: 'X', dtype: 'float32', shape: [null, 4] }]);
    expect(signature?.outputs[0]).toEqual({ name: 'output_label', dtype: 'int64', shape: [null] });
  });

  it('an array of objects is named as a pickle', async () => {
    expect((await inspectModel(join(models, 'objects.npy'))).warnings).toEqual([
      'holds Python objects as a pickle',
    ]);
  });

  it('the tables of ggml types are those of the gguf package', async () => {
    const { types, files } = JSON.parse(await readFile(join(models, 'ggml.json'), 'utf8')) as {
      types: Record<string, [string, number, number]>;
      files: Record<string, string>;
    };
    for (const [code, [name, block, bytes]] of Object.entries(types)) {
      expect(GGML_TYPES.get(Number(code))).toEqual({ name, block: BigInt(block), bytes: BigInt(bytes) });
    }
    for (const [code, name] of Object.entries(files)) {
      const expected = name === 'GUESSED' ? undefined : name.replace(/^(?:ALL|MOSTLY)_/, '');
      expect(GGUF_FILE_TYPES.get(Number(code))).toBe(expected);
    }
  });

  it('every one of them is read without an error', async () => {
    const names = await readdir(models);
    expect(names.length).toBeGreaterThan(40);
    for (const name of names) expect(await inspectModel(join(models, name))).toHaveProperty('format.name');
  });
});
