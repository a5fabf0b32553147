import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeMetric, eachLine, encodeMetric } from '../../../src/core/runs/metric-lines.ts';
import { MetricTable, Shapes } from '../../../src/core/runs/metric-table.ts';
import type { MetricPoint } from '../../../src/core/runs/run.ts';

const value = fc.oneof(
  fc.double({ noDefaultInfinity: false, noNaN: false }),
  fc.constantFrom(Number.NaN, Infinity, -Infinity, 0, 1),
);
const key = fc.oneof(
  fc.constantFrom(
    'loss',
    'acc',
    '__proto__',
    'constructor',
    'system/cpu',
    'ä ß',
    '日本',
    '"quoted"',
    'back\\slash',
  ),
  fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
    .filter((text) => !/[\u0000-\u001f\u007f]/.test(text)),
);
const point: fc.Arbitrary<MetricPoint> = fc.record(
  {
    key,
    value,
    step: fc.maxSafeInteger(),
    time: fc.integer({ min: 0, max: 4_000_000_000_000 }),
    dataset: fc.record({ name: fc.string(), digest: fc.string() }),
    model: fc.stringMatching(/^m-[0-9a-f]{32}$/),
  },
  { requiredKeys: ['key', 'value', 'step', 'time'] },
);

/** What `Object.is` makes of -0, JSON does not keep. */
function withoutMinusZero(each: MetricPoint): MetricPoint {
  return { ...each, value: each.value + 0 };
}

describe('a line of metrics', () => {
  test('gives the point back, NaN and infinities too', () => {
    fc.assert(
      fc.property(point, (each) => {
        const line = encodeMetric(each);
        expect(line.endsWith('\n') && !line.slice(0, -1).includes('\n')).toBe(true);
        expect(decodeMetric(line.trimEnd())).toEqual(withoutMinusZero(each));
      }),
    );
  });

  test('is canonical: sorted keys, no white space', () => {
    const dataset = { name: 'train', digest: 'abc' };
    const model = `m-${'a'.repeat(32)}`;
    expect(encodeMetric({ key: 'loss', value: Number.NaN, step: 3, time: 5, dataset, model })).toBe(
      `{"dataset":{"digest":"abc","name":"train"},"key":"loss","model":"${model}","step":3,"time":5,"value":"NaN"}\n`,
    );
  });

  test.each([
    '',
    '{',
    '[]',
    'null',
    '{"key":"a","step":1,"time":2}',
    '{"key":"","step":1,"time":2,"value":1}',
    '{"key":"a","step":1.5,"time":2,"value":1}',
    '{"key":"a","step":1,"time":2,"value":"high"}',
    '{"key":"a","step":1,"time":2,"value":null}',
    '{"key":"a\\nb","step":1,"time":2,"value":1}',
    '{"key":7,"step":1,"time":2,"value":1}',
    '{"key":"a","step":9007199254740993,"time":2,"value":1}',
    `{"key":"${'x'.repeat(251)}","step":1,"time":2,"value":1}`,
  ])('that is none is passed over: %s', (line) => {
    expect(decodeMetric(line)).toBeUndefined();
  });
});

test('cut off anywhere, every line before the cut is read, and nothing else', () => {
  fc.assert(
    fc.property(fc.array(point, { minLength: 1, maxLength: 8 }), fc.nat(), (points, cut) => {
      const lines = points.map(encodeMetric);
      const whole = Buffer.from(lines.join(''));
      const end = cut % (whole.length + 1);
      const read: unknown[] = [];
      const settled = eachLine(whole.subarray(0, end), (line) => read.push(decodeMetric(line)));
      let count = 0;
      let length = 0;
      for (const line of lines) {
        if (length + Buffer.byteLength(line) > end) break;
        length += Buffer.byteLength(line);
        count += 1;
      }
      expect(settled).toBe(length);
      expect(read).toEqual(points.slice(0, count).map(withoutMinusZero));
    }),
  );
});

/** The rules of docs/format.md 5.9 in the plainest form. */
function expectedOf(points: readonly MetricPoint[]): Map<string, unknown> {
  const found = new Map<string, unknown>();
  for (const name of new Set(points.map((each) => each.key))) {
    const own = points.filter((each) => each.key === name);
    const rank = (each: number): number => (Number.isNaN(each) ? -Infinity : each);
    const latest = own.reduce((best, each) => {
      if (each.step !== best.step) return each.step > best.step ? each : best;
      if (each.time !== best.time) return each.time > best.time ? each : best;
      if (Number.isNaN(best.value) !== Number.isNaN(each.value))
        return Number.isNaN(best.value) ? each : best;
      return rank(each.value) >= rank(best.value) ? each : best;
    });
    const numbers = own.filter((each) => !Number.isNaN(each.value));
    const [first] = numbers;
    const lowest = numbers.reduce((best, each) => (each.value < best.value ? each : best), first ?? latest);
    const highest = numbers.reduce((best, each) => (each.value > best.value ? each : best), first ?? latest);
    found.set(name, {
      value: latest.value,
      step: latest.step,
      time: latest.time,
      count: own.length,
      min: first && lowest.value,
      minStep: first && lowest.step,
      max: first && highest.value,
      maxStep: first && highest.step,
    });
  }
  return found;
}

const fewKeys = fc.record({
  key: fc.constantFrom('a', 'b', '__proto__', 'c/d'),
  value: fc.constantFrom(Number.NaN, 1, 2, -3, Infinity, -Infinity),
  step: fc.integer({ min: 0, max: 3 }),
  time: fc.integer({ min: 0, max: 2 }),
});

describe('the summary of metrics', () => {
  test('is that of all points, however they are divided among reads', () => {
    fc.assert(
      fc.property(fc.array(fc.array(fewKeys, { maxLength: 6 }), { maxLength: 5 }), (batches) => {
        const shapes = new Shapes();
        let table = MetricTable.empty;
        for (const batch of batches) table = table.with(batch, shapes);
        const all = MetricTable.empty.with(batches.flat(), shapes);
        const expected = expectedOf(batches.flat());
        expect(new Map(table)).toEqual(expected);
        expect(new Map(all)).toEqual(expected);
        expect([...table.keys()]).toEqual([...expected.keys()].toSorted());
        const { keys, numbers } = table.parts;
        expect(new Map(MetricTable.from(keys, numbers, new Shapes()))).toEqual(expected);
        for (const [name] of expected) expect(table.latest(name)).toBe(table.get(name)?.value);
      }),
    );
  });

  test('knows no other keys', () => {
    const table = MetricTable.empty.with([{ key: 'a', value: 1, step: 0, time: 0 }], new Shapes());
    expect(table.get('toString')).toBeUndefined();
    expect(table.latest('b')).toBeUndefined();
    expect(table.has('a')).toBe(true);
    expect(table.size).toBe(1);
  });
});
