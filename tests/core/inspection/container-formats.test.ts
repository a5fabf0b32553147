import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { npy, ubj, zip } from '../../support/model-bytes.ts';
import { call, op, pickle } from '../../support/pickle-assembler.ts';
import { inspectBytes } from './inspect-bytes.ts';

const stateDict = pickle(
  op('PROTO', 2),
  op('GLOBAL', ['collections', 'OrderedDict']),
  'EMPTY_TUPLE',
  'REDUCE',
  'STOP',
);
const danger = 'names os.system: loading this file would run code';

/** The archive with an end record that says there is one entry. */
function shortCount(archive: Buffer): Buffer {
  const changed = Buffer.from(archive);
  changed.writeUInt16LE(1, changed.length - 12);
  return changed;
}

describe('a PyTorch archive', () => {
  const files = {
    'm/data.pkl': stateDict,
    'm/version': '3\n',
    'm/data/0': Buffer.alloc(16),
    'm/data/1': Buffer.alloc(4),
  };

  it.each([true, false])('is read without its tensors (deflate: %s)', async (deflate) => {
    const { format, warnings } = await inspectBytes(zip(files, { deflate }));
    expect(format).toEqual({
      name: 'pytorch',
      framework: 'torch',
      details: {
        kind: 'checkpoint',
        storages: 2,
        formatVersion: '3',
        protocol: 2,
        class: 'collections.OrderedDict',
        modules: ['collections'],
        content: 'state_dict',
      },
    });
    expect(warnings).toEqual([]);
  });

  it('is TorchScript when it holds code', async () => {
    const { format } = await inspectBytes(
      zip({
        ...files,
        'm/code/__torch__.py': '',
        'm/constants.pkl': pickle(op('PROTO', 2), 'EMPTY_TUPLE', 'STOP'),
      }),
    );
    expect(format.details['kind']).toBe('TorchScript');
  });

  it.each([
    ['data.pkl', { 'm/data.pkl': call('os', 'system', 'x', 4) }],
    ['a further pickle', { ...files, 'm/other.pkl': call('os', 'system', 'x') }],
  ])('has code in %s named', async (_, entries) => {
    expect((await inspectBytes(zip(entries))).warnings).toContain(danger);
  });

  it.each([
    ['another local name', { localName: 'x/data.pkl' }, /is called x\/data\.pkl in its local header/],
    ['flipped flag bits', { localFlags: 1 }, /other flags in its local header/],
  ])('with %s is still read and flagged', async (_, options, warning) => {
    const { warnings } = await inspectBytes(zip({ 'm/data.pkl': call('os', 'system', 'x') }, options));
    expect(warnings).toContain(danger);
    expect(warnings.join('\n')).toMatch(warning);
  });

  it.each([
    ['cut', zip(files).subarray(0, -30), /directory/],
    ['with bytes behind it', Buffer.concat([zip(files), Buffer.from('tail')]), /bytes follow the end/],
    [
      'with an end record that counts too few',
      shortCount(zip(files)),
      /has 4 entries, its end record says 1/,
    ],
    ['with a climbing name', zip({ '../data.pkl': stateDict }), /leaves the archive/],
    [
      'with a wrong checksum',
      zip({ ...files, 'm/version': '3' }, { badChecksum: true }),
      /fails its checksum/,
    ],
  ])('is named damaged when it is %s', async (_, bytes, warning) => {
    expect((await inspectBytes(bytes)).warnings.join('\n')).toMatch(warning);
  });
});

describe('a legacy PyTorch file', () => {
  const magic = Buffer.from('80028a0a6cfc9c46f9206aa850192e', 'hex');
  const small = pickle(op('PROTO', 2), op('BININT1', 1), 'STOP');

  it('has the class of its fourth pickle, and the raw tensors are left alone', async () => {
    const bytes = Buffer.concat([magic, small, small, stateDict, small, Buffer.alloc(64)]);
    const { format, warnings } = await inspectBytes(bytes);
    expect(format).toMatchObject({
      name: 'pytorch-legacy',
      framework: 'torch',
      details: { content: 'state_dict' },
    });
    expect(warnings).toEqual([]);
  });

  it.each([0, 1, 2, 3])('has code in the pickle %d after the magic number named', async (index) => {
    const parts = [small, small, stateDict, small];
    parts[index] = call('os', 'system', 'x');
    expect((await inspectBytes(Buffer.concat([magic, ...parts]))).warnings).toContain(danger);
  });

  it('is incomplete after the magic number', async () => {
    expect((await inspectBytes(magic)).warnings.join()).toMatch(/1 of 5 pickles are complete/);
  });
});

const layer = (className: string, module: string): object => ({
  class_name: className,
  module,
  config: {},
});

const keras = (...layers: object[]): Buffer =>
  zip({
    'metadata.json': JSON.stringify({ keras_version: '3.4.1', date_saved: '2026-01-01' }),
    'config.json': JSON.stringify({ class_name: 'Sequential', module: 'keras', config: { layers } }),
    'model.weights.h5': 'x',
  });

describe('a Keras archive', () => {
  it('is read from its configuration', async () => {
    const { format, warnings } = await inspectBytes(keras(layer('Dense', 'keras.layers')));
    expect(format).toEqual({
      name: 'keras',
      framework: 'keras',
      details: { kerasVersion: '3.4.1', saved: '2026-01-01', class: 'Sequential', layers: 1 },
    });
    expect(warnings).toEqual([]);
  });

  it.each([
    [layer('Lambda', 'keras.layers'), 'holds a Lambda layer: loading this file would run code'],
    [layer('run', 'os.path'), 'names the module os.path, not of Keras: loading this file may run code'],
    [layer('X', 'keras_evil'), 'names the module keras_evil, not of Keras: loading this file may run code'],
  ])('has what runs code named (%#)', async (value, warning) => {
    expect((await inspectBytes(keras(value))).warnings).toEqual([warning]);
  });

  it('is named malformed when its configuration is no JSON', async () => {
    const { format, warnings } = await inspectBytes(zip({ 'metadata.json': '{}', 'config.json': '[' }));
    expect(format.name).toBe('keras');
    expect(warnings.join()).toMatch(/malformed keras content: config\.json/);
  });
});

describe('other archives and compressed content', () => {
  it('an npz lists its arrays and reads pickles inside them', async () => {
    const header = "{'descr': '|O', 'fortran_order': False, 'shape': (), }";
    const { format, warnings } = await inspectBytes(
      zip({ 'x.npy': npy(header, call('os', 'system', 'x', 4)) }, { deflate: true }),
    );
    expect(format).toMatchObject({
      name: 'npz',
      details: { arrays: 1, contents: [{ name: 'x', dtype: '|O', shape: [] }] },
    });
    expect(warnings).toContain(danger);
  });

  it('an unknown zip is only counted', async () => {
    expect((await inspectBytes(zip({ 'a.txt': 'a' }))).format).toEqual({
      name: 'zip',
      framework: 'unknown',
      details: { entries: 1 },
    });
  });

  it('a decompression bomb ends at the look limit', async () => {
    const bomb = deflateSync(
      Buffer.concat([
        op('PROTO', 4),
        Buffer.from([0x8e]),
        Buffer.from('0000000010000000', 'hex'),
        Buffer.alloc(80 * 2 ** 20),
      ]),
    );
    const { warnings } = await inspectBytes(bomb);
    expect(warnings.join()).toMatch(/not fully read/);
  });

  it.each([
    ['bz2', 'BZh91AY&SYabc'],
    ['xz', Buffer.from('fd377a585a0000', 'hex')],
    ['lz4', Buffer.from('04224d1800', 'hex')],
  ])('%s is named and not decompressed', async (compression, bytes) => {
    const { format, warnings } = await inspectBytes(bytes);
    expect(format).toEqual({ name: 'compressed', framework: 'unknown', details: { compression } });
    expect(warnings.join()).toMatch(/not fully read/);
  });
});

describe('boosters', () => {
  const learner = {
    attributes: {},
    feature_names: ['we"ird\\', '{'],
    gradient_booster: {
      model: { gbtree_model_param: { num_trees: '7' }, trees: [{ id: 0, name: 'learner' }] },
      name: 'gbtree',
    },
    learner_model_param: { num_feature: '4', num_class: '3' },
    objective: { name: 'multi:softprob' },
  };
  const model = { learner, version: [2, 1, 0] };
  const details = {
    version: '2.1.0',
    booster: 'gbtree',
    objective: 'multi:softprob',
    trees: 7,
    features: 4,
    classes: 3,
  };

  it.each([
    ['xgboost-json', JSON.stringify(model)],
    ['xgboost-json', JSON.stringify(model, null, 2)],
    ['xgboost-ubj', ubj(model)],
  ])('%s is read in one pass', async (name, bytes) => {
    expect(await inspectBytes(bytes)).toEqual({
      format: { name, framework: 'xgboost', details },
      warnings: [],
    });
  });

  it.each([
    [JSON.stringify(model).slice(0, -20), /ends early/],
    ['{"learner":]', /brackets/],
    [`{"learner":${'['.repeat(100)}`, /nested deeper than 64/],
    ['{"learner":{}}', /names no booster/],
    [ubj(model).subarray(0, 90), /ends early|expected at byte/],
    [Buffer.concat([ubj({ learner: {} }).subarray(0, 17), Buffer.from('?')]), /value type "\?"/],
  ])('content that breaks off or is wrong is named malformed (%#)', async (bytes, warning) => {
    const { format, warnings } = await inspectBytes(bytes);
    expect(format.framework).toBe('xgboost');
    expect(warnings.join()).toMatch(warning);
  });

  const lines = [
    'tree',
    'version=v4',
    'num_class=1',
    'max_feature_idx=3',
    'objective=binary sigmoid:1',
    'tree_sizes=10 12',
  ];

  it('LightGBM text is read up to its first tree', async () => {
    expect((await inspectBytes(`${lines.join('\n')}\n\nTree=0\n`)).format).toEqual({
      name: 'lightgbm-text',
      framework: 'lightgbm',
      details: { version: 'v4', objective: 'binary sigmoid:1', classes: 1, features: 4, trees: 2 },
    });
  });

  it.each([
    [lines.join('\n'), /no end/],
    ['tree\nversion=v4\n\n', /names no version or no features/],
    ['tree\nversion=v4\nnum_class=x\n\n', /num_class is x/],
  ])('a broken LightGBM header is named (%#)', async (text, warning) => {
    expect((await inspectBytes(text)).warnings.join()).toMatch(warning);
  });

  it('a CatBoost file with broken offsets is named malformed', async () => {
    const { format, warnings } = await inspectBytes(Buffer.from('CBM1\xff\xff\0\0\0\0\0\0', 'latin1'));
    expect(format.name).toBe('catboost-cbm');
    expect(warnings.join()).toMatch(/malformed catboost-cbm content/);
  });

  it('HDF5 of Keras is recognised and a Lambda layer named', async () => {
    const bytes = Buffer.from(
      '\x89HDF\r\n\x1a\n\0 keras_version model_config {"class_name": "Sequential" "class_name": "Lambda"',
      'latin1',
    );
    const { format, warnings } = await inspectBytes(bytes);
    expect(format).toMatchObject({ name: 'hdf5', framework: 'keras', details: { class: 'Sequential' } });
    expect(warnings).toEqual(['holds a Lambda layer: loading this file would run code']);
  });
});
