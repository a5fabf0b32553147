import { UsageError } from '../../errors.ts';
import { printable } from '../../lib/terminal-text.ts';
import {
  batchesNeeded,
  type BatchObservation,
  chooseFloors,
  type Floor,
  type FloorsFound,
  type FloorsRefused,
} from './calibrate-floors.ts';
import { observe } from './calibrate-observe.ts';
import { type ClosableSide, rememberedSide } from './calibrate-reference.ts';
import type { Calibration } from './calibrate-result.ts';
import { type CompareOptions, compareSides } from './compare.ts';
import type { DriftPolicy } from './policy/policy.ts';
import type { ColumnChoice } from './selection.ts';
import type { Side } from './side.ts';
import { columnText, effectText, percent } from './text-of.ts';

export interface BatchSource {
  /** As the person named it. */
  readonly name: string;
  open(): Promise<ClosableSide>;
}

export interface CalibrationOptions extends Pick<ColumnChoice, 'target' | 'prediction'> {
  /** Of the reference's columns those to compare; undefined for all. */
  readonly chosen?: ((names: readonly string[]) => readonly string[] | undefined) | undefined;
  /** Without the floors of an earlier calibration. */
  readonly policy: DriftPolicy;
  /** Share of unchanged batches that may alert: 0.05 is one of twenty. */
  readonly budget: number;
  readonly source: Calibration['source'];
  readonly signal?: AbortSignal | undefined;
  readonly progress?: ((done: number, total: number) => void) | undefined;
}

export interface CalibrationData {
  reference(): Promise<ClosableSide>;
  readonly batches: readonly BatchSource[];
}

/**
 * Finds floors of limits by which batches that were accepted pass, from comparisons with the reference as every run makes them. No batch may be
 * part of the reference: then it would look more like it than those to come.
 *
 * @throws UsageError `CALIBRATION_POLICY` for rules without limits, `TOO_FEW_BATCHES` where the batches can't support the budget, and what
 * the comparison throws
 */
export async function calibrate(data: CalibrationData, options: CalibrationOptions): Promise<Calibration> {
  const { policy, budget } = options;
  const severity = severityOf(policy);
  assertEnough(data.batches.length, budget);
  const reference = await rememberedSide(() => data.reference());
  const observations: BatchObservation[] = [];
  try {
    for (const batch of data.batches) {
      options.progress?.(observations.length, data.batches.length);
      observations.push(await observeBatch(batch, reference.side, options));
    }
    options.progress?.(observations.length, data.batches.length);
  } finally {
    await reference.close();
  }
  const limitOf = (column: string, limit: Floor['limit']): number =>
    policy.column(column).limits(limit).value[severity];
  const floors = chooseFloors(observations, { budget, limitOf });
  if (floors.kind === 'refused') throw refused(floors, options, observations.length);
  return {
    ...resultOf(floors, observations, { options, severity }),
    reference: reference.side.name,
    rows: { reference: reference.side.facts().rows, ...sizesOf(observations) },
  };
}

async function observeBatch(
  { name, open }: BatchSource,
  reference: Side,
  options: CalibrationOptions,
): Promise<BatchObservation> {
  const { side, close } = await open();
  try {
    return observe(await compareSides(reference, side, comparisonOf(options, reference)), name);
  } finally {
    await close();
  }
}

function comparisonOf(
  { policy, chosen, target, prediction, signal }: CalibrationOptions,
  { columns }: Side,
): CompareOptions {
  return { policy, columns: chosen?.(columns.map(({ name }) => name)), target, prediction, signal };
}

function severityOf({ kind, name, failOn }: DriftPolicy): Calibration['severity'] {
  if (kind !== 'default') {
    throw new UsageError('CALIBRATION_POLICY', `the policy ${name} has no floors that could be found`, {
      hint: 'calibrate the policy default: --policy default',
    });
  }
  if (failOn.value === 'low') {
    throw new UsageError(
      'CALIBRATION_POLICY',
      'what is significant is at least low, whatever its size: there is no limit to raise',
      {
        hint: 'calibrate for --fail-on medium or above',
      },
    );
  }
  return failOn.value;
}

/** Before anything is read. */
function assertEnough(batches: number, budget: number): void {
  const needed = batchesNeeded(budget);
  if (batches >= needed) return;
  throw tooFew(batches, { budget, needed, detail: [] });
}

interface Refusal {
  budget: number;
  needed: number;
  detail: readonly string[];
}

function tooFew(batches: number, { budget, needed, detail }: Refusal): UsageError {
  const message = `${batches} batches can't support ${alertsText(budget)}: it takes at least ${needed}`;
  const affordable = `or allow more with --budget 1/${batches + 1}`;
  return new UsageError('TOO_FEW_BATCHES', [message, ...detail].join('\n'), {
    hint:
      detail.length > 0
        ? 'leave out what was not normal, give more batches, or allow more false alarms with --budget'
        : `give more batches${batches > 0 ? `, ${affordable}` : ''}`,
  });
}

function alertsText(budget: number): string {
  return `${percent(budget)} of false alarms (one in ${Math.round(1 / budget)} batches)`;
}

function refused(
  { needed, unforeseen }: FloorsRefused,
  { budget }: CalibrationOptions,
  batches: number,
): UsageError {
  const detail = unforeseen.map(
    ({ batch, column, message }) => `${printable(batch)}: ${columnText(column)} ${printable(message)}`,
  );
  return tooFew(batches, { budget, needed, detail });
}

interface ResultOptions {
  options: CalibrationOptions;
  severity: Calibration['severity'];
}

function resultOf(
  found: FloorsFound,
  observations: readonly BatchObservation[],
  { options, severity }: ResultOptions,
): Omit<Calibration, 'reference' | 'rows'> {
  const { policy, budget, source } = options;
  const { floors, margin, expectedAlerts, unforeseen } = found;
  return {
    format: 'mlops.drift-calibration/1',
    policy: policy.name,
    alpha: policy.alpha.value,
    severity,
    budget,
    expectedAlerts,
    comparisons: observations.length,
    quantile: observations.length / (observations.length + 1),
    margin,
    source,
    floors: floors.map((floor) => ({
      ...floor,
      origin: policy.column(floor.column).limits(floor.limit).origin,
      observed: observations.map(({ effects }) => valueOf(effects, floor)),
    })),
    batches: observations.map((observation) => ({
      name: observation.name,
      rows: observation.rows,
      alerts: alertsOf(observation, { policy, severity }),
    })),
    unforeseen: [...unforeseen],
    notes: notesOf(found, observations),
  };
}

function valueOf(effects: BatchObservation['effects'], { column, limit }: Floor): number | null {
  return effects.find((effect) => effect.column === column && effect.limit === limit)?.value ?? null;
}

function alertsOf(
  { effects, breaks }: BatchObservation,
  { policy, severity }: { policy: DriftPolicy; severity: Calibration['severity'] },
): string[] {
  const beyond = effects.filter(
    ({ column, limit, value, significant }) =>
      significant && value >= policy.column(column).limits(limit).value[severity],
  );
  return [
    ...breaks.map(({ column, message }) => `${columnText(column)} ${message}`),
    ...beyond.map(({ column, limit, value }) => `${columnText(column)} ${limit}=${effectText(value)}`),
  ];
}

function sizesOf(observations: readonly BatchObservation[]) {
  const rows = observations.map((observation) => observation.rows);
  return { smallestBatch: Math.min(...rows), largestBatch: Math.max(...rows) };
}

/** Batches of other sizes have other effects by chance, and other effects are significant. */
const UNEQUAL = 2;
/** Some batch is the largest of all; one that is so by this factor may have been no ordinary one. */
const OUTSTANDING = 1.5;

function notesOf({ floors, unforeseen }: FloorsFound, observations: readonly BatchObservation[]): string[] {
  const { smallestBatch, largestBatch } = sizesOf(observations);
  const notes: string[] = [];
  if (largestBatch > UNEQUAL * smallestBatch) {
    notes.push(
      `the batches have ${smallestBatch.toLocaleString('en-US')} to ${largestBatch.toLocaleString('en-US')} rows: the floors are meant for batches of about one size`,
    );
  }
  for (const { column, limit, floor } of floors) {
    if (limit !== 'W' && floor > 1)
      notes.push(`${columnText(column)}: no batch can reach ${limit} ${floor}, so that it never alerts`);
  }
  for (const batch of unforeseen) {
    if (batch.ratio !== null && batch.ratio < OUTSTANDING) continue;
    notes.push(
      `${printable(batch.batch)} alone had ${columnText(batch.column)} ${printable(batch.message)}: was it normal?`,
    );
  }
  return notes;
}
