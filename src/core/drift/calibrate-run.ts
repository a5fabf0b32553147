import { resolve } from 'node:path';
import { UsageError } from '../../errors.ts';
import { printable } from '../../lib/terminal-text.ts';
import type { ColumnPlan } from '../../storage/tables/table.ts';
import { type BatchSource, calibrate, type CalibrationData } from './calibrate.ts';
import { rowsToSplit, splitRows } from './calibrate-blocks.ts';
import type { ClosableSide } from './calibrate-reference.ts';
import type { Calibration } from './calibrate-result.ts';
import { openSide, type SideRequest, type SideSources } from './open-side.ts';
import { checkNamedColumns } from './policy/column-names.ts';
import { type PolicySources, resolvePolicy, type ResolvedPolicy } from './policy/resolve.ts';
import { selectColumns } from './selection.ts';
import type { Side } from './side.ts';
import type { PinnedColumn } from './summary.ts';

export interface CalibrationRequest extends Omit<PolicySources, 'withoutCalibration'> {
  /** A file, a glob, a profile or a version. */
  readonly reference: string;
  /** Past batches that were accepted: a file each, or a glob of the files of one. Without any the reference is split. */
  readonly batches: readonly string[];
  /** Share of unchanged batches that may alert. */
  readonly budget: number;
  /** How the reference is split. */
  readonly split?: 'time' | 'random' | undefined;
  /** Rows of a batch, where the reference is split. */
  readonly batchRows?: number | undefined;
  readonly orderBy?: string | undefined;
  readonly target?: string | undefined;
  readonly prediction?: string | undefined;
  readonly seed?: number | undefined;
  readonly nullTokens?: readonly string[] | undefined;
}

export interface CalibrationProgress {
  readonly signal?: AbortSignal | undefined;
  readonly progress?: ((done: number, total: number) => void) | undefined;
}

/** Rows of the reference whose values are kept: it stays in memory, and more would hardly change an effect (0.004 in D). */
const REFERENCE_ROWS = 200_000;

/**
 * Finds floors for the rules of a request, from past batches or from blocks of the reference.
 *
 * @throws UsageError for what can't be read, and what `calibrate` and `splitRows` throw
 */
export async function runCalibration(
  request: CalibrationRequest,
  sources: SideSources,
  { signal, progress }: CalibrationProgress = {},
): Promise<Calibration> {
  checkRequest(request, sources);
  const policy = resolvePolicy({ ...request, withoutCalibration: true });
  const { target, prediction, budget, batches } = request;
  const surroundings = { policy, sources, signal };
  const { data, notes } =
    batches.length > 0 ? history(request, surroundings) : await blocks(request, surroundings);
  const source = batches.length > 0 ? 'history' : (request.split ?? 'time');
  const { chosen } = policy;
  const found = await calibrate(data, {
    policy,
    chosen,
    budget,
    source,
    target,
    prediction,
    signal,
    progress,
  });
  return { ...found, reference: request.reference, notes: [...found.notes, ...notes] };
}

function checkRequest(
  { batches, split, batchRows, orderBy, reference }: CalibrationRequest,
  { cwd }: SideSources,
): void {
  if (batches.length === 0) {
    if (batchRows === undefined) {
      throw new UsageError(
        'INVALID_INPUT',
        'there are no batches: name past ones, or say how many rows a batch has',
        {
          hint: 'mlops drift calibrate train.csv --batch-rows 1000',
        },
      );
    }
    if (orderBy !== undefined && split === 'random') {
      throw new UsageError('INVALID_INPUT', '--order-by: rows that are drawn at random have no order');
    }
    return;
  }
  if (split !== undefined || batchRows !== undefined || orderBy !== undefined) {
    throw new UsageError(
      'INVALID_INPUT',
      '--split, --batch-rows and --order-by are for a reference without batches',
      {
        hint: 'leave them out, or leave out the batches',
      },
    );
  }
  const origin = resolve(cwd, reference);
  const known = new Set<string>();
  for (const batch of batches) {
    const path = resolve(cwd, batch);
    if (path !== origin && !known.has(path)) {
      known.add(path);
      continue;
    }
    const what = path === origin ? 'is the reference itself' : 'is named twice';
    throw new UsageError('INVALID_INPUT', `the batch ${printable(batch)} ${what}`, {
      hint: 'a comparison with what is known already says nothing about batches to come',
    });
  }
}

interface Surroundings {
  policy: ResolvedPolicy;
  sources: SideSources;
  signal: AbortSignal | undefined;
}

interface Prepared {
  data: CalibrationData;
  /** What settings say of columns that there are not, once the reference was opened. */
  notes: readonly string[];
}

function history(request: CalibrationRequest, { policy, sources }: Surroundings): Prepared {
  const { reference, batches } = request;
  const notes: string[] = [];
  const open = async (): Promise<ClosableSide> => {
    const rows = { sample: REFERENCE_ROWS, keepRows: REFERENCE_ROWS };
    const opened = await openSide({ ...sideRequest(request, reference, true), ...rows }, sources);
    try {
      notes.splice(0, notes.length, ...checkNamedColumns(policy.named, namesOf(opened.side)));
      return opened;
    } catch (error) {
      await opened.close();
      throw error;
    }
  };
  const batchOf = (name: string): BatchSource => ({
    name,
    open: () => openSide(sideRequest(request, name, false), sources),
  });
  return { notes, data: { reference: open, batches: batches.map(batchOf) } };
}

async function blocks(
  request: CalibrationRequest,
  { policy, sources, signal }: Surroundings,
): Promise<Prepared> {
  const { reference, batchRows = 0, split = 'time', orderBy, seed = 0, budget, target, prediction } = request;
  const { side, table, close } = await openSide(sideRequest(request, reference, true), sources);
  try {
    if (table === undefined) {
      throw new UsageError(
        'INVALID_INPUT',
        `${printable(reference)} is a profile, which has no rows to split`,
        {
          hint: 'name past batches, or the data that the profile was made of',
        },
      );
    }
    const notes = checkNamedColumns(policy.named, namesOf(side));
    const pinned = selectColumns(side, side, {
      policy,
      columns: policy.chosen(namesOf(side)),
      target,
      prediction,
    }).flatMap((column) => (column.pinned !== null && column.read.reference ? [column.pinned] : []));
    const plan = planOf(pinned, side, orderBy);
    const rows = await table.sampleRows(plan, {
      rows: rowsToSplit(plan.length),
      seed,
      ...(signal === undefined ? {} : { signal }),
    });
    const data = splitRows(rows, {
      name: reference,
      pinned,
      source: split,
      batchRows,
      budget,
      seed,
      orderBy,
    });
    return { data, notes };
  } finally {
    await close();
  }
}

/** The order is read along where its column is not compared. */
function planOf(
  pinned: readonly PinnedColumn[],
  { columns }: Side,
  orderBy: string | undefined,
): ColumnPlan[] {
  const plan: ColumnPlan[] = pinned.map(({ name, type, integers }) => ({
    name,
    type,
    ...(integers === undefined ? {} : { integers }),
  }));
  const order = columns.find(({ name }) => name === orderBy)?.inferred;
  if (order && !plan.some(({ name }) => name === order.name))
    plan.push({ name: order.name, type: order.type });
  return plan;
}

function sideRequest(
  { nullTokens, seed }: CalibrationRequest,
  word: string,
  mayBeVersion: boolean,
): SideRequest {
  return { words: [word], mayBeVersion, nullTokens, ...(seed === undefined ? {} : { seed }) };
}

function namesOf({ columns }: Side): string[] {
  return columns.map(({ name }) => name);
}
