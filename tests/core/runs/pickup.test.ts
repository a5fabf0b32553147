import {
  appendFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { pickUpDvcLive } from '../../../src/core/runs/pickup/dvclive.ts';
import { pickUpMetricsFile } from '../../../src/core/runs/pickup/metrics-file.ts';
import { pickUpTensorBoard } from '../../../src/core/runs/pickup/tensorboard.ts';
import { readRecord, readScalars } from '../../../src/core/runs/pickup/tensorboard-events.ts';
import { crc32c } from '../../../src/lib/crc32c.ts';
import { tempDirectory } from '../../support/temp-repo.ts';

const FIXTURE = join(import.meta.dirname, '../../fixtures/tensorboard');
const ALL = { since: 0, now: 1000 };

function write(directory: string, files: Readonly<Record<string, string | Uint8Array>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), content);
  }
}

test('CRC-32C is that of RFC 3720', () => {
  expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
  expect(crc32c(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43);
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, index) => index))).toBe(0x46dd794e);
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
});

describe('TensorBoard', () => {
  test('scalars of files that the libraries wrote come with tag, step, time and value; text and histograms do not', async () => {
    const { metrics, problems } = await pickUpTensorBoard(FIXTURE, ALL);
    expect(problems).toEqual([]);
    const loss = metrics.filter(({ key }) => key === 'train/loss');
    expect(loss.map(({ step }) => step)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(loss.map(({ value }) => value)).toEqual([
      ...[1, 2, 3, 4, 5].map((each) => Math.fround(1 / each)),
      Number.NaN,
      Infinity,
    ]);
    expect(loss[2]?.time).toBe(1_795_428_902_500);
    const second = metrics.filter(({ key }) => key === 'v2/epoch_loss');
    expect(second.map(({ value, step, time }) => [Number(value.toFixed(6)), step, time])).toEqual([
      [0.5, 0, 1_795_428_900_250],
      [0.4, 1, 1_795_428_901_250],
      [0.3, 2, 1_795_428_902_250],
    ]);
    expect(metrics).toHaveLength(10);
  });

  test('a directory may be given itself, and then names have no prefix', async () => {
    const { metrics } = await pickUpTensorBoard(join(FIXTURE, 'v2'), ALL);
    expect(new Set(metrics.map(({ key }) => key))).toEqual(new Set(['epoch_loss']));
  });

  test('a file that is still being written ends at its last whole record', async () => {
    const directory = await tempDirectory();
    const path = join(FIXTURE, 'v2/events.out.tfevents.1795428900.host.1.0');
    const bytes = readFileSync(path);
    const counts = new Set<number>();
    for (let length = 0; length <= bytes.length; length += 1) {
      writeFileSync(join(directory, 'events.out.tfevents.1'), bytes.subarray(0, length));
      const { metrics, problems } = await pickUpTensorBoard(directory, ALL);
      expect(problems).toEqual([]);
      counts.add(metrics.length);
    }
    expect([...counts]).toEqual([0, 1, 2, 3]);
  });

  test('a flipped bit is found, and what stands before it is kept', async () => {
    const directory = await tempDirectory();
    const bytes = readFileSync(join(FIXTURE, 'v2/events.out.tfevents.1795428900.host.1.0'));
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length * 8 - 1), async (bit) => {
        const changed = Buffer.from(bytes);
        changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        writeFileSync(join(directory, 'events.out.tfevents.1'), changed);
        const { metrics, problems } = await pickUpTensorBoard(directory, ALL);
        expect(problems).toHaveLength(1);
        expect(problems[0]).toMatch(/checksum|a record of/);
        expect(metrics.length).toBeLessThanOrEqual(3);
      }),
      { numRuns: 60 },
    );
  });

  test('any bytes are read without harm', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(['short', 'damaged', 'record']).toContain(readRecord(Buffer.from(bytes)).kind);
        try {
          readScalars(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });

  test('links are not followed, old files are left alone', async () => {
    const directory = await tempDirectory();
    symlinkSync(join(FIXTURE, 'v2'), join(directory, 'link'));
    cpSync(join(FIXTURE, 'train'), join(directory, 'old'), { recursive: true });
    utimesSync(join(directory, 'old/events.out.tfevents.1795428900.host'), 1000, 1000);
    const { metrics, problems } = await pickUpTensorBoard(directory, { since: 2_000_000, now: 0 });
    expect(metrics).toEqual([]);
    expect(problems).toEqual([expect.stringContaining('no event file was written by this command')]);
    expect((await pickUpTensorBoard(join(directory, 'none'), ALL)).problems).toEqual([
      expect.stringContaining('there is no such directory'),
    ]);
  });
});

describe('DVCLive', () => {
  const FOLDER = {
    'metrics.json': '{"step": 2, "train": {"loss": 0.25, "note": "text"}, "final": NaN}',
    'params.yaml': 'lr: 0.01\nmodel:\n  depth: 10\n  layers: [1, 2]\nname: net\nflag: true\n',
    'plots/metrics/train/loss.tsv':
      'timestamp\tstep\tloss\n1795428900000\t0\t1.0\n1795428901000\t1\t0.5\n1795428902000\t2\t0.25\n',
    'plots/metrics/acc.tsv': 'step\tacc\r\n0\t0.5\r\n1\tnan\r\n',
    'artifacts/model.txt': 'weights',
  };

  test('histories, final values, params and artifacts are found', async () => {
    const directory = await tempDirectory();
    write(directory, FOLDER);
    const { metrics, params, artifacts, problems } = await pickUpDvcLive(directory, ALL);
    expect(problems).toEqual([]);
    expect(metrics).toEqual(
      expect.arrayContaining([
        { key: 'train/loss', value: 1, step: 0, time: 1_795_428_900_000 },
        { key: 'train/loss', value: 0.25, step: 2, time: 1_795_428_902_000 },
        { key: 'acc', value: 0.5, step: 0, time: 1000 },
        { key: 'acc', value: Number.NaN, step: 1, time: 1000 },
        { key: 'final', value: Number.NaN, step: 0, time: 1000 },
      ]),
    );
    expect(metrics).toHaveLength(6);
    expect([...params]).toEqual([
      ['lr', '0.01'],
      ['model.depth', '10'],
      ['model.layers', '[1,2]'],
      ['name', 'net'],
      ['flag', 'true'],
    ]);
    expect([...artifacts.keys()]).toEqual(['artifacts']);
  });

  test('what is wrong is named and hides nothing else', async () => {
    const directory = await tempDirectory();
    write(directory, {
      ...FOLDER,
      'params.yaml': 'a: [1\n',
      'plots/metrics/bad.tsv': 'step\tbad\n0\t1\n1\tx\n',
      'plots/metrics/two.tsv': 'step\ta\tb\n0\t1\t2\n',
    });
    const { metrics, problems } = await pickUpDvcLive(directory, ALL);
    expect(problems.join('\n')).toMatch(/bad\.tsv:3: no number/);
    expect(problems.join('\n')).toMatch(/two\.tsv: no column/);
    expect(problems.join('\n')).toMatch(/params\.yaml: /);
    expect(metrics.filter(({ key }) => key === 'train/loss')).toHaveLength(3);
  });

  test('a yaml bomb ends at a limit', async () => {
    const directory = await tempDirectory();
    const lines = ['a: &a [x,x,x,x,x,x,x,x,x]'];
    for (const [index, name] of 'bcdefghi'.split('').entries())
      lines.push(`${name}: &${name} [${Array.from({ length: 9 }, () => `*${'abcdefgh'[index]}`).join(',')}]`);
    write(directory, { 'params.yaml': lines.join('\n') });
    const { params, problems } = await pickUpDvcLive(directory, ALL);
    expect(params.size).toBe(0);
    expect(problems).toHaveLength(1);
  });
});

describe('a file of metrics', () => {
  test('gives its numbers at step 0', async () => {
    const directory = await tempDirectory();
    const path = join(directory, 'metrics.json');
    writeFileSync(path, '{"accuracy": 0.95, "test": {"auc": NaN}}');
    expect((await pickUpMetricsFile(path, ALL)).metrics).toEqual([
      { key: 'accuracy', value: 0.95, step: 0, time: 1000 },
      { key: 'test.auc', value: Number.NaN, step: 0, time: 1000 },
    ]);
    appendFileSync(path, 'x');
    expect((await pickUpMetricsFile(path, ALL)).problems).toHaveLength(1);
    utimesSync(path, 1, 1);
    expect((await pickUpMetricsFile(path, { since: 100_000, now: 0 })).problems.join()).toContain(
      'not written by this command',
    );
    expect((await pickUpMetricsFile(join(directory, 'none'), ALL)).problems.join()).toContain(
      'no such metrics file',
    );
  });
});
