import { describe, expect, it } from 'vitest';
import { field, gguf, ggufText, message, npy, safetensors, u32, u64 } from '../../support/model-bytes.ts';
import { call } from '../../support/pickle-assembler.ts';
import { inspectBytes, inspectFiles } from './inspect-bytes.ts';

const tensor = (shape: unknown, offsets: unknown, dtype = 'F32'): object => ({
  dtype,
  shape,
  data_offsets: offsets,
});

const twoTensors = {
  __metadata__: { format: 'pt' },
  a: tensor([2, 3], [0, 24]),
  b: tensor([4], [24, 28], 'I8'),
};

describe('safetensors', () => {
  it('is summed up from its header', async () => {
    expect(await inspectBytes(safetensors(twoTensors, Buffer.alloc(28)))).toEqual({
      format: {
        name: 'safetensors',
        framework: 'safetensors',
        details: { tensorFormat: 'pt', tensors: 2, dtypes: { F32: 1, I8: 1 }, parameters: 10 },
      },
      warnings: [],
    });
  });

  it.each([
    ['a hole', { a: tensor([1], [4, 8]) }, 8, /hole or overlap/],
    ['an overlap', { a: tensor([1], [0, 4]), b: tensor([1], [2, 6]) }, 6, /hole or overlap/],
    ['hidden bytes at the end', { a: tensor([1], [0, 4]) }, 5, /tensors end at 4, the data has 5 bytes/],
    ['a size that does not fit', { a: tensor([3], [0, 4]) }, 4, /need 12/],
    ['an overflowing shape', { a: tensor([2 ** 40, 2 ** 40], [0, 4]) }, 4, /need 48/],
    ['an unknown dtype', { a: tensor([1], [0, 4], 'X9') }, 4, /unknown dtype X9/],
    ['half a byte', { a: tensor([1], [0, 1], 'F4') }, 1, /whole bytes/],
    ['a negative dimension', { a: tensor([-1], [0, 4]) }, 4, /no size/],
    ['metadata that is no text', { __metadata__: { a: 1 } }, 0, /__metadata__ a is no string/],
    ['an extra key', { a: { ...tensor([1], [0, 4]), x: 1 } }, 4, /unknown key x/],
    ['a duplicate key', '{"a":{"dtype":"U8","shape":[],"data_offsets":[0,1]},"a":{}}', 1, /duplicate key/],
    ['no JSON', '{nothing}', 0, /expected a key/],
  ])('is named malformed for %s', async (_, header, size, warning) => {
    const { format, warnings } = await inspectBytes(safetensors(header, Buffer.alloc(size)));
    expect(format.name).toBe('safetensors');
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(warning);
  });

  it('is named malformed when its header is no UTF-8', async () => {
    const { warnings } = await inspectBytes(Buffer.concat([u64(4), Buffer.from('{"\xff"', 'latin1')]));
    expect(warnings).toEqual(['malformed safetensors content: header: not valid UTF-8']);
  });

  it.each([
    [26 * 1024 * 1024, /the limit is 26214400/],
    [4096, /the file only/],
  ])('is refused a header of %d bytes', async (length, warning) => {
    const { format, warnings } = await inspectBytes(Buffer.concat([u64(length), Buffer.from('{}')]));
    expect(format.name).toBe('safetensors');
    expect(warnings.join()).toMatch(warning);
  });
});

describe('gguf', () => {
  const values = [
    Buffer.concat([ggufText('general.architecture'), u32(8), ggufText('llama')]),
    Buffer.concat([ggufText('llama.context_length'), u32(4), u32(2048)]),
    Buffer.concat([ggufText('general.file_type'), u32(4), u32(15)]),
    Buffer.concat([ggufText('tokens'), u32(9), u32(8), u64(2), ggufText('a'), ggufText('b')]),
  ];
  const weight = Buffer.concat([ggufText('w'), u32(2), u64(4), u64(2), u32(0), u64(0)]);

  it('is summed up from its metadata and tensor table', async () => {
    const { format, warnings } = await inspectBytes(
      gguf({ values, tensors: [weight], data: Buffer.alloc(32) }),
    );
    expect(format.details).toEqual({
      version: 3,
      tensors: 1,
      architecture: 'llama',
      contextLength: 2048,
      fileType: 'Q4_K_M',
      dtypes: { F32: 1 },
      parameters: 8,
    });
    expect(warnings).toEqual([]);
  });

  it.each([
    ['version', gguf({ version: 7 }), /version 7/],
    ['tensor count', gguf({ tensorCount: 20_000_000 }), /20000000 tensors, the limit is 10000000/],
    ['repeated key', gguf({ values: [values[0] ?? u32(0), values[0] ?? u32(0)] }), /occurs twice/],
    ['repeated tensor', gguf({ tensors: [weight, weight], data: Buffer.alloc(64) }), /tensor w occurs twice/],
    ['missing data', gguf({ tensors: [weight] }), /the tensors need/],
    [
      'string length',
      gguf({ values: [Buffer.concat([u64(2n ** 63n), u32(8)])] }),
      /bytes in a string, the limit/,
    ],
    ['value type', gguf({ values: [Buffer.concat([ggufText('k'), u32(99)])] }), /metadata type 99/],
    ['dimensions', gguf({ tensors: [Buffer.concat([ggufText('w'), u32(9)])] }), /9 dimensions/],
    [
      'dimension',
      gguf({ tensors: [Buffer.concat([ggufText('w'), u32(1), u64(2n ** 40n), u32(0), u64(0)])] }),
      /a dimension of/,
    ],
    [
      'nesting',
      gguf({
        values: [
          Buffer.concat([ggufText('k'), u32(9), ...Array.from({ length: 6 }, () => [u32(9), u64(1)]).flat()]),
        ],
      }),
      /nested deeper than 4/,
    ],
  ])('is named malformed for its %s', async (_, bytes, warning) => {
    const { format, warnings } = await inspectBytes(bytes);
    expect(format.name).toBe('gguf');
    expect(warnings.join()).toMatch(warning);
  });
});

const npyHeader = (descr: string, shape: string): string =>
  `{'descr': ${descr}, 'fortran_order': False, 'shape': (${shape}), }\n`;

describe('npy', () => {
  it('is read from its header', async () => {
    const { format, warnings } = await inspectBytes(npy(npyHeader("'<f4'", '2, 3'), Buffer.alloc(24)));
    expect(format).toEqual({ name: 'npy', framework: 'numpy', details: { dtype: '<f4', shape: [2, 3] } });
    expect(warnings).toEqual([]);
  });

  it.each([
    ['object', "'|O'"],
    ['structured object', "[('a', '|O')]"],
  ])('has its pickle read for the %s dtype', async (_, descr) => {
    const { warnings } = await inspectBytes(npy(npyHeader(descr, '1,'), call('os', 'system', 'x', 4)));
    expect(warnings).toEqual([
      'holds Python objects as a pickle',
      'names os.system: loading this file would run code',
    ]);
  });

  it.each([
    [npy(npyHeader("'<f4'", '2, 3'), Buffer.alloc(8)), /need 24 bytes, the file has 8/],
    [npy("__import__('os')"), /names no dtype and shape/],
    [Buffer.from('\x93NUMPY\x09\x00\x00\x00', 'latin1'), /npy version 9/],
    [Buffer.from('\x93NUMPY\x01\x00\xff\xff', 'latin1'), /ends early/],
    [Buffer.from('\x93NUMPY', 'latin1'), /ends early/],
  ])('is named malformed when it is (%#)', async (bytes, warning) => {
    const { format, warnings } = await inspectBytes(bytes);
    expect(format.name).toBe('npy');
    expect(warnings.join()).toMatch(warning);
  });
});

const onnxModel = (...extra: Buffer[]): Buffer =>
  message(field(1, 9), field(2, 'hand'), ...extra, field(8, field(2, 17)));

describe('onnx', () => {
  const shape = message(field(1, field(2, 'batch')), field(1, field(1, 4)), field(1, ''));
  const value = (name: string): Buffer =>
    message(field(1, name), field(2, field(1, message(field(1, 1), field(2, shape)))));
  const weight = message(field(1, 4), field(1, 2), field(2, 1), field(8, 'w'));
  const graph = (...extra: Buffer[]): Buffer =>
    message(
      field(1, message(field(4, 'Gemm'))),
      field(2, 'linear'),
      field(5, weight),
      field(11, value('x')),
      field(11, value('w')),
      field(12, value('y')),
      ...extra,
    );
  it('is read with its signature, and inputs that have an initializer are no inputs', async () => {
    expect(await inspectBytes(onnxModel(field(7, graph())))).toEqual({
      format: {
        name: 'onnx',
        framework: 'onnx',
        details: {
          irVersion: 9,
          producer: 'hand',
          graph: 'linear',
          opsets: { 'ai.onnx': 17 },
          nodes: 1,
          initializers: 1,
          parameters: 8,
          dtypes: { float32: 1 },
        },
      },
      signature: {
        inputs: [{ name: 'x', dtype: 'float32', shape: ['batch', 4, null] }],
        outputs: [{ name: 'y', dtype: 'float32', shape: ['batch', 4, null] }],
      },
      warnings: [],
    });
  });

  it.each([
    ['weights.bin', []],
    ['../../etc/passwd', ['external data at ../../etc/passwd leaves the directory of the model']],
    ['/etc/passwd', ['external data at /etc/passwd leaves the directory of the model']],
    ['C:\\weights', ['external data at C:\\weights leaves the directory of the model']],
  ])('has external data at %s flagged', async (location, expected) => {
    const external = message(
      field(1, 4),
      field(2, 1),
      field(8, 'e'),
      field(13, message(field(1, 'location'), field(2, location))),
      field(14, 1),
    );
    const { format, warnings } = await inspectFiles({
      'model.onnx': onnxModel(field(7, graph(field(5, external)))),
    });
    expect(format.details).toMatchObject({ file: 'model.onnx', externalData: [location] });
    expect(warnings).toEqual(expected);
  });

  it('lists custom domains of nodes and opsets', async () => {
    const node = field(1, message(field(4, 'Thing'), field(7, 'com.acme')));
    const { format, warnings } = await inspectBytes(
      onnxModel(field(7, graph(node)), field(8, message(field(1, 'org.other'), field(2, 1)))),
    );
    expect(format.details['customDomains']).toEqual(['com.acme', 'org.other']);
    expect(warnings.join()).toMatch(/outside the ONNX standard/);
  });

  it.each([
    ['cut', onnxModel(field(7, graph())).subarray(0, 60), /ends early|does not end/],
    ['without a graph', onnxModel(), /0 graphs/],
    [
      'with a negative dimension',
      onnxModel(field(7, field(5, message(field(1, -1n), field(2, 1))))),
      /negative dimension/,
    ],
    ['with a broken inner message', onnxModel(field(7, Buffer.from([0x0f]))), /wire type 7/],
  ])('is named malformed when it is %s', async (_, bytes, warning) => {
    const { format, warnings } = await inspectBytes(bytes);
    expect(format.name).toBe('onnx');
    expect(warnings.join()).toMatch(warning);
  });
});

describe('TensorFlow SavedModel', () => {
  const info = field(
    2,
    message(field(1, 'x:0'), field(2, 1), field(3, message(field(2, field(1, -1n)), field(2, field(1, 4))))),
  );
  const signature = message(
    field(1, 'serving_default'),
    field(
      2,
      message(
        field(1, message(field(1, 'x'), info)),
        field(2, message(field(1, 'y'), info)),
        field(3, 'predict'),
      ),
    ),
  );
  const saved = (op: string): Buffer =>
    message(
      field(1, 1),
      field(
        2,
        message(
          field(1, message(field(4, 'serve'), field(5, '2.16.1'))),
          field(2, message(field(1, message(field(1, 'n'), field(2, op))))),
          field(5, signature),
        ),
      ),
    );

  it('is read from its directory', async () => {
    const {
      format,
      signature: found,
      warnings,
    } = await inspectFiles({
      'saved_model.pb': saved('MatMul'),
      'variables/variables.data-00000-of-00001': 'x',
    });
    expect(format).toMatchObject({
      name: 'tensorflow-savedmodel',
      framework: 'tensorflow',
      details: {
        tags: ['serve'],
        tensorflowVersion: '2.16.1',
        signatures: ['serving_default'],
        variables: 1,
        nodes: 1,
      },
    });
    expect(found?.inputs).toEqual([{ name: 'x', dtype: 'float32', shape: [null, 4] }]);
    expect(found?.outputs.map(({ name }) => name)).toEqual(['y']);
    expect(warnings).toEqual([]);
  });

  it('is recognised as a file and its unsafe operations are named', async () => {
    const { format, warnings } = await inspectBytes(saved('WriteFile'));
    expect(format.name).toBe('tensorflow-savedmodel');
    expect(warnings.join()).toMatch(/holds the operation WriteFile/);
  });
});
