import type { MetricPoint, MetricSummary } from './run.ts';

/** Numbers kept of each metric: value, step, time; and where it was logged more than once, count, min, its step, max, its step. */
const NARROW = 3;
const WIDE = 8;

const Slot = { value: 0, step: 1, time: 2, count: 3, min: 4, minStep: 5, max: 6, maxStep: 7 } as const;

/** The keys of a table and their order. Runs of one script have the same metrics, so tables share it. */
class Shape {
  readonly keys: readonly string[];
  readonly places: ReadonlyMap<string, number>;

  constructor(keys: readonly string[]) {
    this.keys = keys;
    this.places = new Map(keys.map((key, index) => [key, index]));
  }
}

/** Shapes by their keys, so that ten thousand runs of one script have one. */
export class Shapes {
  readonly #known = new Map<string, Shape>();

  /** @param keys sorted, without duplicates */
  of(keys: readonly string[]): Shape {
    // No key holds a line break.
    const name = keys.join('\n');
    const known = this.#known.get(name) ?? new Shape(keys);
    this.#known.set(name, known);
    return known;
  }
}

/**
 * The summaries of a run's metrics, by key in sorted order: numbers in one piece of memory, since ten thousand runs with a hundred metrics
 * are a million of them. Summaries are made when they are asked for.
 */
export class MetricTable implements ReadonlyMap<string, MetricSummary> {
  readonly #shape: Shape;
  readonly #numbers: Float64Array;
  readonly #stride: number;

  private constructor(shape: Shape, numbers: Float64Array, stride: number) {
    this.#shape = shape;
    this.#numbers = numbers;
    this.#stride = stride;
  }

  static readonly empty = new MetricTable(new Shape([]), new Float64Array(), NARROW);

  /** @param summaries in any order */
  static of(summaries: Iterable<readonly [string, MetricSummary]>, shapes: Shapes): MetricTable {
    const sorted = [...summaries].toSorted(([first], [second]) => (first < second ? -1 : 1));
    const stride = sorted.every(([, { count }]) => count === 1) ? NARROW : WIDE;
    const numbers = new Float64Array(sorted.length * stride);
    for (const [index, [, summary]] of sorted.entries()) write(numbers, index * stride, summary, stride);
    return new MetricTable(shapes.of(sorted.map(([key]) => key)), numbers, stride);
  }

  /** From an index. @throws RangeError when the numbers do not fit the keys */
  static from(keys: readonly string[], numbers: Float64Array, shapes: Shapes): MetricTable {
    const stride = keys.length === 0 ? NARROW : numbers.length / keys.length;
    if (stride !== NARROW && stride !== WIDE) throw new RangeError('the numbers do not fit the keys');
    return new MetricTable(shapes.of(keys), numbers, stride);
  }

  /** For an index; MUST NOT be changed. */
  get parts(): { keys: readonly string[]; numbers: Float64Array } {
    return { keys: this.#shape.keys, numbers: this.#numbers };
  }

  get size(): number {
    return this.#shape.keys.length;
  }

  has(key: string): boolean {
    return this.#shape.places.has(key);
  }

  get(key: string): MetricSummary | undefined {
    const place = this.#shape.places.get(key);
    return place === undefined ? undefined : this.#summary(place);
  }

  /** The latest value; undefined when there is no such metric. */
  latest(key: string): number | undefined {
    const place = this.#shape.places.get(key);
    return place === undefined ? undefined : this.#numbers[place * this.#stride];
  }

  *keys(): MapIterator<string> {
    yield* this.#shape.keys;
  }

  *values(): MapIterator<MetricSummary> {
    for (let index = 0; index < this.size; index += 1) yield this.#summary(index);
  }

  *entries(): MapIterator<[string, MetricSummary]> {
    for (const [index, key] of this.#shape.keys.entries()) yield [key, this.#summary(index)];
  }

  [Symbol.iterator](): MapIterator<[string, MetricSummary]> {
    return this.entries();
  }

  forEach(
    visit: (summary: MetricSummary, key: string, map: ReadonlyMap<string, MetricSummary>) => void,
  ): void {
    for (const [key, summary] of this) visit(summary, key, this);
  }

  /** This and what was logged after it. */
  with(points: Iterable<MetricPoint>, shapes: Shapes): MetricTable {
    const changed = new Map<string, MetricSummary>();
    for (const point of points) {
      const known = changed.get(point.key) ?? this.get(point.key);
      changed.set(point.key, known === undefined ? summaryOf(point) : extended(known, point));
    }
    if (changed.size === 0) return this;
    return MetricTable.of(new Map([...this.entries(), ...changed]), shapes);
  }

  #summary(place: number): MetricSummary {
    const at = place * this.#stride;
    const numbers = this.#numbers;
    const number = (slot: number): number => numbers[at + slot] ?? Number.NaN;
    const value = number(Slot.value);
    const step = number(Slot.step);
    const time = number(Slot.time);
    if (this.#stride === NARROW) return single(value, step, time);
    const count = number(Slot.count);
    const [min, max] = [number(Slot.min), number(Slot.max)];
    if (Number.isNaN(min)) return { ...single(value, step, time), count };
    return {
      value,
      step,
      time,
      count,
      min,
      minStep: number(Slot.minStep),
      max,
      maxStep: number(Slot.maxStep),
    };
  }
}

function write(numbers: Float64Array, at: number, summary: MetricSummary, stride: number): void {
  numbers[at + Slot.value] = summary.value;
  numbers[at + Slot.step] = summary.step;
  numbers[at + Slot.time] = summary.time;
  if (stride === NARROW) return;
  numbers[at + Slot.count] = summary.count;
  numbers[at + Slot.min] = summary.min ?? Number.NaN;
  numbers[at + Slot.minStep] = summary.minStep ?? Number.NaN;
  numbers[at + Slot.max] = summary.max ?? Number.NaN;
  numbers[at + Slot.maxStep] = summary.maxStep ?? Number.NaN;
}

function single(value: number, step: number, time: number): MetricSummary {
  const isNumber = !Number.isNaN(value);
  const extreme = isNumber ? value : undefined;
  const extremeStep = isNumber ? step : undefined;
  return {
    value,
    step,
    time,
    count: 1,
    min: extreme,
    minStep: extremeStep,
    max: extreme,
    maxStep: extremeStep,
  };
}

function summaryOf({ value, step, time }: MetricPoint): MetricSummary {
  return single(value, step, time);
}

function extended(known: MetricSummary, { value, step, time }: MetricPoint): MetricSummary {
  const latest = isLater({ value, step, time }, known) ? { value, step, time } : known;
  const isNumber = !Number.isNaN(value);
  const isLowest = isNumber && (known.min === undefined || value < known.min);
  const isHighest = isNumber && (known.max === undefined || value > known.max);
  return {
    value: latest.value,
    step: latest.step,
    time: latest.time,
    count: known.count + 1,
    min: isLowest ? value : known.min,
    minStep: isLowest ? step : known.minStep,
    max: isHighest ? value : known.max,
    maxStep: isHighest ? step : known.maxStep,
  };
}

type Latest = Pick<MetricSummary, 'value' | 'step' | 'time'>;

/** The greatest step, then time, then value, NaN below every number; of equal ones the one logged last. */
function isLater(point: Latest, known: Latest): boolean {
  if (point.step !== known.step) return point.step > known.step;
  if (point.time !== known.time) return point.time > known.time;
  if (Number.isNaN(known.value)) return true;
  return !Number.isNaN(point.value) && point.value >= known.value;
}
