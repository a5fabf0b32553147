import type { LimitName } from './policy/limits.ts';

/** One effect of one column in one batch. */
export interface ObservedEffect {
  readonly column: string;
  readonly limit: LimitName;
  readonly value: number;
  /** Whether it was more than chance; other effects never alert. */
  readonly significant: boolean;
}

/** What one comparison found. */
export interface BatchObservation {
  /** As the person named the batch. */
  readonly name: string;
  readonly rows: number;
  /** At most one of each column and limit. */
  readonly effects: readonly ObservedEffect[];
  /** Alerts that no limit stops: missing columns, changed types, columns that are all null. */
  readonly breaks: readonly { readonly column: string; readonly message: string }[];
}

export interface Floor {
  readonly column: string;
  readonly limit: LimitName;
  /** Above the largest significant effect, rounded up. */
  readonly floor: number;
  /** The limit that held before. */
  readonly before: number;
  /** Of all batches, significant or not; 0 where a batch had no such effect. */
  readonly median: number;
  readonly largest: number;
  /** Batches that were at or beyond the limit that held before. */
  readonly batches: number;
}

/** A batch that would have alerted if the floors had been found without it, and by what. */
export interface Unforeseen {
  readonly batch: string;
  readonly column: string;
  /** What was seen. */
  readonly message: string;
  /** How many times the next largest it was; null for breaks, and where no other batch was beyond the limit. */
  readonly ratio: number | null;
}

export interface FloorsFound {
  readonly kind: 'found';
  /** By how many times the largest effect seen is exceeded. */
  readonly margin: number;
  readonly floors: readonly Floor[];
  /** Estimate of the share of unchanged batches that alert, at least one of N + 1. */
  readonly expectedAlerts: number;
  /** Batches that alert without the floors. */
  readonly alertsBefore: readonly string[];
  readonly unforeseen: readonly Unforeseen[];
}

export interface FloorsRefused {
  readonly kind: 'refused';
  /** So many batches could support the budget. */
  readonly needed: number;
  readonly unforeseen: readonly Unforeseen[];
}

export interface FloorOptions {
  /** Share of unchanged batches that may alert, above 0 and below 1. */
  readonly budget: number;
  /** The limit that holds now. */
  limitOf(column: string, limit: LimitName): number;
}

/** A floor is never further above what was seen. */
const LARGEST_MARGIN = 2;

/** How many comparisons the budget needs at the least: of N the next one may be the largest with a chance of 1 / (N + 1). */
export function batchesNeeded(budget: number, expected = 1): number {
  return Math.max(1, Math.ceil(expected / budget - 1e-9) - 1);
}

/**
 * Floors of limits such that all batches pass, and so few of those to come alert as the budget allows.
 *
 * A batch alerts if an effect is significant and at or above its limit, so a floor above the largest significant effect of all batches lets them
 * pass. The next batch, if it is like them, alerts if it beats such a record in some column. All N + 1 being alike, each is as likely to
 * be the one that does, so the chance is the number of batches that alone hold a record over N + 1 (the argument of conformal prediction, Vovk, Gammerman &
 * Shafer 2005, and of scenario optimisation, Calafiore & Campi 2006, where these are the support constraints). It counts batches, not columns, so it holds
 * for the whole data set, however many columns there are.
 *
 * Where that is more than the budget, floors are put a margin of up to 2 above the records: the smallest with which few enough batches, each
 * left out in turn, would have alerted. Batches with breaks of the schema, and those that were the only one beyond a limit (no margin
 * on other batches' effects would have let them pass), count against the budget; with too many of them it is refused.
 */
export function chooseFloors(
  batches: readonly BatchObservation[],
  options: FloorOptions,
): FloorsFound | FloorsRefused {
  const { budget } = options;
  const comparisons = batches.length + 1;
  const allowed = Math.floor(budget * comparisons + 1e-9);
  if (allowed < 1) return { kind: 'refused', needed: batchesNeeded(budget), unforeseen: [] };
  const records = recordsOf(
    batches.filter(({ breaks }) => breaks.length === 0),
    options,
  );
  const holders = leaveOneOut(records);
  const broken = batches.flatMap(({ name, breaks }) =>
    breaks.slice(0, 1).map((each) => ({ batch: name, ...each, ratio: null })),
  );
  const margin = marginFor([...holders.values()], allowed - broken.length);
  if (margin === undefined) {
    const unforeseen = [...broken, ...unforeseenOf(holders, LARGEST_MARGIN)];
    const isChosen = unforeseen.length < broken.length + holders.size;
    const needed = batchesNeeded(budget, unforeseen.length + (isChosen ? 1 : 0));
    return { kind: 'refused', needed: Math.max(needed, comparisons), unforeseen };
  }
  const unforeseen = [...broken, ...unforeseenOf(holders, margin)];
  return {
    kind: 'found',
    margin,
    floors: floorsOf(records, batches, margin),
    expectedAlerts: Math.max(1, unforeseen.length + (margin > 1 ? 1 : 0)) / comparisons,
    alertsBefore: batches.flatMap((batch) => (alerts(batch, options) ? [batch.name] : [])),
    unforeseen,
  };
}

/**
 * The margin that leaves so few batches alerting as are allowed. One that was chosen by the batches themselves is the rank of one of their ratios, and the
 * next batch's may be beyond it as well, so that it counts as one.
 */
function marginFor(holders: readonly LeftOut[], allowed: number): number | undefined {
  if (holders.length <= allowed) return 1;
  const descending = holders.map(({ ratio }) => ratio).toSorted((x, y) => y - x);
  const margin = descending[allowed - 1] ?? Infinity;
  return margin <= LARGEST_MARGIN ? margin : undefined;
}

/** The significant effects of one column and limit that are at or beyond the limit. */
interface EffectRecord {
  column: string;
  limit: LimitName;
  before: number;
  /** The largest first. */
  beyond: { batch: string; index: number; value: number }[];
}

function recordsOf(batches: readonly BatchObservation[], { limitOf }: FloorOptions): EffectRecord[] {
  const records = new Map<string, EffectRecord>();
  for (const [index, { name, effects }] of batches.entries()) {
    for (const { column, limit, value, significant } of effects) {
      const before = limitOf(column, limit);
      if (!significant || value < before) continue;
      const key = keyOf(column, limit);
      const record = records.get(key) ?? { column, limit, before, beyond: [] };
      record.beyond.push({ batch: name, index, value });
      records.set(key, record);
    }
  }
  for (const { beyond } of records.values()) beyond.sort((x, y) => y.value - x.value);
  return [...records.values()];
}

/** No name of a limit holds a space. */
function keyOf(column: string, limit: LimitName): string {
  return `${limit} ${column}`;
}

function alerts({ effects, breaks }: BatchObservation, { limitOf }: FloorOptions): boolean {
  return (
    breaks.length > 0 ||
    effects.some(({ column, limit, value, significant }) => significant && value >= limitOf(column, limit))
  );
}

interface LeftOut {
  batch: string;
  /** How many times the next largest effect of the other batches; Infinity where no other is beyond the limit. */
  ratio: number;
  record: EffectRecord;
}

/** The batches that alone hold records, by their place: the margin from which on it would have passed without being among the batches. */
function leaveOneOut(records: readonly EffectRecord[]): Map<number, LeftOut> {
  const ratios = new Map<number, LeftOut>();
  for (const record of records) {
    const [first, second] = record.beyond;
    if (first === undefined || second?.value === first.value) continue;
    const ratio = second === undefined ? Infinity : first.value / second.value;
    if (ratio > (ratios.get(first.index)?.ratio ?? 0))
      ratios.set(first.index, { batch: first.batch, ratio, record });
  }
  return ratios;
}

function unforeseenOf(holders: ReadonlyMap<number, LeftOut>, margin: number): Unforeseen[] {
  return [...holders.values()]
    .filter(({ ratio }) => ratio > margin)
    .map(({ batch, ratio, record }) => {
      const { column, limit, before, beyond } = record;
      const [first, second] = beyond;
      const others =
        second === undefined
          ? `no other batch reaches the limit ${rounded(before)}`
          : `the next largest is ${rounded(second.value)}`;
      return {
        batch,
        column,
        message: `${limit} ${rounded(first?.value ?? 0)}, where ${others}`,
        ratio: Number.isFinite(ratio) ? rounded(ratio) : null,
      };
    });
}

function floorsOf(
  records: readonly EffectRecord[],
  batches: readonly BatchObservation[],
  margin: number,
): Floor[] {
  const observed = new Map<string, number[]>();
  for (const { effects } of batches) {
    for (const { column, limit, value } of effects) {
      const key = keyOf(column, limit);
      const values = observed.get(key) ?? [];
      values.push(value);
      observed.set(key, values);
    }
  }
  return records.map(({ column, limit, before, beyond }) => {
    const largest = beyond[0]?.value ?? 0;
    const values = observed.get(keyOf(column, limit)) ?? [];
    return {
      column,
      limit,
      floor: roundedUp(largest * margin),
      before,
      median: rounded(medianWithZeros(values, batches.length)),
      largest: rounded(largest),
      batches: beyond.length,
    };
  });
}

/** Of `count` values of which those that are not given are 0. */
function medianWithZeros(values: readonly number[], count: number): number {
  const sorted = [...values, ...Array.from({ length: Math.max(0, count - values.length) }, () => 0)].toSorted(
    (x, y) => x - y,
  );
  const half = Math.floor(sorted.length / 2);
  const upper = sorted[half] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? 0) + upper) / 2;
}

/** To three digits, so that settings stay readable. */
function rounded(value: number): number {
  return Number(value.toPrecision(3));
}

/** The next larger number of three digits, never the value itself. */
export function roundedUp(value: number): number {
  if (value === 0) return 0.001;
  const near = rounded(value);
  if (near > value) return near;
  const step = 10 ** (Math.floor(Math.log10(near)) - 2);
  const next = rounded(near + step);
  return next > value ? next : value * 1.01;
}
