import { access, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../../src/lib/canonical-json.ts';
import { inspectContent } from '../../../src/core/inspection/detect.ts';
import { toInspection } from '../../../src/core/inspection/inspection.ts';
import { bytesSource, MAX_READ, type RandomAccess } from '../../../src/core/inspection/random-access.ts';
import {
  field,
  gguf,
  ggufText,
  message,
  npy,
  safetensors,
  ubj,
  u32,
  u64,
  zip,
} from '../../support/model-bytes.ts';
import { call, op, pickle } from '../../support/pickle-assembler.ts';

const MAX_RESULT = 200_000;
/** A file that would exist if the payloads below were ever run. */
const MARKER = join(tmpdir(), 'mlops-inspection-marker');

const payload = call('os', 'system', `touch ${MARKER}`, 4);
const seeds: Buffer[] = [
  payload,
  call('os', 'system', `touch ${MARKER}`),
  gzipSync(payload),
  deflateSync(payload),
  Buffer.concat([Buffer.from('80028a0a6cfc9c46f9206aa850192e', 'hex'), payload, payload]),
  pickle(op('PROTO', 2), 'EMPTY_DICT', 'MARK', op('BINUNICODE', 'a'), op('BININT', 5), 'SETITEMS', 'STOP'),
  safetensors({ a: { dtype: 'F32', shape: [1], data_offsets: [0, 4] } }, Buffer.alloc(4)),
  gguf({
    values: [Buffer.concat([ggufText('general.architecture'), u32(8), ggufText('llama')])],
    tensors: [Buffer.concat([ggufText('w'), u32(1), u64(4), u32(0), u64(0)])],
    data: Buffer.alloc(32),
  }),
  npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", payload),
  zip({ 'm/data.pkl': payload, 'm/version': '3' }, { deflate: true }),
  zip({ 'metadata.json': '{}', 'config.json': '{"class_name":"Lambda"}' }),
  zip({ 'x.npy': npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", Buffer.alloc(4)) }),
  message(
    field(1, 9),
    field(7, message(field(2, 'g'), field(5, message(field(1, 4), field(2, 1))))),
    field(8, field(2, 17)),
  ),
  message(
    field(1, 1),
    field(2, message(field(1, field(4, 'serve')), field(2, field(1, field(2, 'MatMul'))))),
  ),
  Buffer.from('{"learner":{"gradient_booster":{"name":"gbtree"}},"version":[2,0,0]}'),
  ubj({ learner: { gradient_booster: { name: 'gbtree' } }, version: [2, 0, 0] }),
  Buffer.from('tree\nversion=v4\nnum_class=1\nmax_feature_idx=3\n\nTree=0'),
  Buffer.concat([Buffer.from('CBM1'), u32(16), u32(4), Buffer.alloc(12)]),
  Buffer.from('\x89HDF\r\n\x1a\n keras_version', 'latin1'),
];

interface Edit {
  at: number;
  byte: number;
  action: 'set' | 'drop' | 'insert' | 'cut';
}

const edits = fc.array(
  fc.record<Edit>({
    at: fc.nat(400),
    byte: fc.nat(255),
    action: fc.constantFrom('set', 'set', 'drop', 'insert', 'cut'),
  }),
  { minLength: 1, maxLength: 6 },
);

function mutate(seed: Buffer, changes: readonly Edit[]): Buffer {
  const bytes = [...seed];
  for (const { at, byte, action } of changes) {
    const where = at % Math.max(1, bytes.length);
    if (action === 'set') bytes[where] = byte;
    else if (action === 'drop') bytes.splice(where, 1);
    else if (action === 'insert') bytes.splice(where, 0, byte);
    else if (at % 4 === 0) bytes.length = where;
  }
  return Buffer.from(bytes);
}

/** Inspects, and fails on a read over the limit, or a result that is no small JSON or not printable. */
async function inspectWatched(bytes: Buffer): Promise<string> {
  const inner = bytesSource(bytes);
  const source: RandomAccess = {
    size: inner.size,
    async read(offset, length) {
      const result = await inner.read(offset, length);
      expect(result.length).toBeLessThanOrEqual(MAX_READ);
      return result;
    },
  };
  const result = toInspection(await inspectContent(source));
  const text = canonicalJson({ format: { ...result.format }, warnings: result.warnings });
  expect(text.length).toBeLessThan(MAX_RESULT);
  expect(result.warnings.join()).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
  return result.format.name;
}

describe('hostile content', () => {
  it('of random bytes never throws', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 300 }),
        async (bytes) => void (await inspectWatched(Buffer.from(bytes))),
      ),
      {
        numRuns: 500,
      },
    );
  });

  it.each(seeds.map((seed, index) => [index, seed] as const))(
    'mutated from seed %d never throws',
    async (_, seed) => {
      await inspectWatched(seed);
      await fc.assert(
        fc.asyncProperty(edits, async (changes) => void (await inspectWatched(mutate(seed, changes)))),
        { numRuns: 200 },
      );
    },
  );

  it('cut at every byte never throws', async () => {
    for (const seed of seeds) {
      const names = new Set<string>();
      for (let length = 0; length < Math.min(seed.length, 400); length += 1) {
        names.add(await inspectWatched(seed.subarray(0, length)));
      }
      expect(names).toContain('unknown');
    }
  });

  it('is never run: the marker of the payloads does not exist', async () => {
    for (const seed of seeds) await inspectWatched(seed);
    await expect(access(MARKER)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('has no reader that could run it: no source file names eval, Function, vm or child processes', async () => {
    const root = new URL('../../../src/core/inspection/', import.meta.url);
    for (const name of [
      'detect.ts',
      'pickle-file.ts',
      'pickle/machine.ts',
      'pickle/read-pickle.ts',
      'npy.ts',
      'keras.ts',
    ]) {
      const text = await readFile(new URL(name, root), 'utf8');
      expect(text).not.toMatch(/node:(?:vm|child_process|worker_threads)|new Function|\beval\(/);
    }
  });
});
