import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseMetricPairs, parsePairs, readMetricsFile } from '../../../src/core/registry/measurements.ts';
import { metricNumber } from '../../../src/core/registry/record.ts';
import { tempDirectory } from '../../support/temp-repo.ts';

async function fileOf(content: string): Promise<string> {
  const path = join(await tempDirectory(), 'metrics.json');
  await writeFile(path, content);
  return path;
}

const metricsOf = async (content: string): Promise<Record<string, unknown>> =>
  Object.fromEntries(await readMetricsFile(await fileOf(content)));

describe('pairs', () => {
  test('split at the first equals sign; a value may be empty', () => {
    expect(Object.fromEntries(parsePairs(['a=b=c', ' x =', 'ключ=значение'], 'tag'))).toEqual({
      a: 'b=c',
      x: '',
      ключ: 'значение',
    });
  });

  test.each([
    [['novalue'], 'tag', 'PAIR_INVALID', /--tag: "novalue" is not <key>=<value>/],
    [['novalue'], 'data', 'PAIR_INVALID', /--data: "novalue"/],
    [['=x'], 'param', 'PAIR_INVALID', /--param/],
    [['a=1', 'a=2'], 'param', 'PAIR_INVALID', /"a" is given twice/],
    [['__proto__=1'], 'metric', 'PAIR_INVALID', /can't be a key/],
    [[`${'k'.repeat(251)}=1`], 'metric', 'LIMIT_EXCEEDED', /251 characters.*the limit is 250/],
    [[`p=${'v'.repeat(6001)}`], 'param', 'LIMIT_EXCEEDED', /6001 characters.*the limit is 6000/],
    [[`t=${'v'.repeat(8001)}`], 'tag', 'LIMIT_EXCEEDED', /8001 characters.*the limit is 8000/],
    [
      Array.from({ length: 10_000 }, (_none, index) => `t${index}=x`),
      'tag',
      'LIMIT_EXCEEDED',
      /10000 tags; the limit is 256/,
    ],
    [
      Array.from({ length: 1001 }, (_none, index) => `m${index}=1`),
      'metric',
      'LIMIT_EXCEEDED',
      /1001 metrics; the limit is 1000/,
    ],
  ] as const)('%#: are refused as --%s with the limit or the option named', (pairs, what, code, message) => {
    expect(() => parsePairs(pairs, what)).toThrow(
      expect.objectContaining({ code, exitCode: 2, message: expect.stringMatching(message) }) as Error,
    );
  });

  test('of metrics are numbers, nan and infinities among them', () => {
    const pairs = ['a=0.95', 'b=-1e-3', 'c=.5', 'd=5.', 'e=nan', 'f=-inf', 'g=Infinity', 'h=1e400', 'i=+2'];
    expect(Object.fromEntries(parseMetricPairs(pairs))).toEqual({
      a: 0.95,
      b: -0.001,
      c: 0.5,
      d: 5,
      e: 'NaN',
      f: '-Infinity',
      g: 'Infinity',
      h: 'Infinity',
      i: 2,
    });
    expect(metricNumber('NaN')).toBeNaN();
    expect(metricNumber('-Infinity')).toBe(Number.NEGATIVE_INFINITY);
  });

  test.each(['', 'high', '0x10', '1,5', '1_000', '--1', '1e', '0.9%'])(
    'of a metric refuse %j as a number',
    (text) => {
      expect(() => parseMetricPairs([`m=${text}`])).toThrow(
        expect.objectContaining({ code: 'PAIR_INVALID', exitCode: 2 }) as Error,
      );
    },
  );
});

describe('a metrics file', () => {
  test('is flattened with dots', async () => {
    expect(await metricsOf('{"val": {"auc": 0.9, "by class": {"0": 1}}, "loss": 1e-3}')).toEqual({
      'val.auc': 0.9,
      'val.by class.0': 1,
      loss: 0.001,
    });
  });

  test('may hold NaN and infinities as json.dump of Python writes them, and leaves text alone', async () => {
    expect(
      await metricsOf('{"a": NaN, "b": -Infinity, "c": Infinity, "NaN of Infinity": 1, "d": "NaN"}'),
    ).toEqual({
      a: 'NaN',
      b: '-Infinity',
      c: 'Infinity',
      'NaN of Infinity': 1,
      d: 'NaN',
    });
  });

  test('may be a link to one', async () => {
    const path = await fileOf('{"a": 1}');
    await symlink(path, `${path}.link`);
    expect(Object.fromEntries(await readMetricsFile(`${path}.link`))).toEqual({ a: 1 });
  });

  test.each([
    ['{"a": "high"}', /"a" is not a number/],
    ['{"a": true}', /"a" is not a number/],
    ['{"a": null}', /"a" is not a number/],
    ['{"a": [1, 2]}', /"a" is not a number/],
    ['[1]', /the document is not a number/],
    ['3', /expected an object of numbers/],
    ['{"a": {"b": 1}, "a.b": 2}', /"a\.b" is given twice/],
    ['{"a": 1, "a": 2}', /metrics\.json:1:\d+: duplicate key/],
    ['{"a": 1,\n "b": }', /metrics\.json:2:7: expected a JSON value/],
    ['{"__proto__": 1}', /not allowed/],
    ['', /unexpected end/],
    [`${'{"a":'.repeat(65)}1${'}'.repeat(65)}`, /nested deeper than 64/],
  ])('holding %j is refused with exit 2', async (content, message) => {
    await expect(metricsOf(content)).rejects.toMatchObject({
      code: 'METRICS_INVALID',
      exitCode: 2,
      message: expect.stringMatching(message),
    });
  });

  test('of 5 MB is refused with the limit named, without being read', async () => {
    await expect(metricsOf(`{"a": 1}${' '.repeat(5 * 1024 * 1024)}`)).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
      exitCode: 2,
      message: expect.stringContaining('at most 1048576'),
    });
  });

  test('of more than 1,000 metrics, or with too long a name, is refused', async () => {
    const many = JSON.stringify(
      Object.fromEntries(Array.from({ length: 1001 }, (_none, index) => [`m${index}`, 1])),
    );
    await expect(metricsOf(many)).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
      message: expect.stringContaining('1000'),
    });
    await expect(metricsOf(JSON.stringify({ ['k'.repeat(251)]: 1 }))).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
    });
  });

  test('that is missing, or a directory, is said to be missing', async () => {
    const directory = await tempDirectory();
    for (const path of [directory, join(directory, 'nothing.json')]) {
      await expect(readMetricsFile(path)).rejects.toMatchObject({ code: 'SOURCE_MISSING', exitCode: 2 });
    }
  });
});
