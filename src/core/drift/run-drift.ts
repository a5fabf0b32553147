import type { DriftSettings } from '../../config/drift-settings.ts';
import { UsageError } from '../../errors.ts';
import { compareSides } from './compare.ts';
import { checkAllRows } from './check-rows-together.ts';
import { type OpenedSide, openSide, type SideRequest, type SideSources } from './open-side.ts';
import { type DriftExplanation, explainDrift } from './policy/explain.ts';
import { checkNamedColumns, matchesName } from './policy/column-names.ts';
import { type PolicyOptions, splitNames } from './policy/options.ts';
import { type PolicySources, resolvePolicy, type ResolvedPolicy } from './policy/resolve.ts';
import type { DriftReport } from './report.ts';
import type { ColumnChoice } from './selection.ts';
import type { Side } from './side.ts';

export interface DriftRequest {
  /** Files, globs, a profile or a version. */
  readonly reference: string;
  readonly current: readonly string[];
  readonly options: PolicyOptions;
  /** The file of `--config`. */
  readonly configFile?: { readonly source: string; readonly settings: DriftSettings } | undefined;
  /** Of the repository around; none outside of one. */
  readonly config?: PolicySources['config'];
  readonly target?: string | undefined;
  readonly prediction?: string | undefined;
  readonly probability?: string | undefined;
  /** The level of the target that counts as positive. */
  readonly positive?: string | undefined;
  /** Values of each column to compare; without it all of up to two million rows, then a sample. */
  readonly sample?: number | undefined;
  readonly seed?: number | undefined;
  /** Also look at all columns of a row together. */
  readonly multivariate?: boolean | undefined;
  readonly nullTokens?: readonly string[] | undefined;
}

export interface DriftProgress {
  readonly signal?: AbortSignal | undefined;
  readonly onColumns?: ((done: number, total: number) => void) | undefined;
}

export interface DriftSides {
  readonly reference: OpenedSide;
  readonly current: OpenedSide;
  readonly policy: ResolvedPolicy;
  /** What settings say of columns that neither side has. */
  readonly notes: readonly string[];
}

export interface DriftRun {
  readonly report: DriftReport;
  readonly policy: ResolvedPolicy;
  /** The model whose version is the reference. */
  readonly model: string | undefined;
}

/**
 * Opens both sides and the rules they are compared by, and closes the sides when `use` is done.
 *
 * @throws UsageError for what can't be read, options that can not be, and names of columns that neither side has
 */
export async function withDriftSides<Result>(
  request: DriftRequest,
  sources: SideSources,
  use: (sides: DriftSides) => Promise<Result>,
): Promise<Result> {
  const { options, config, configFile } = request;
  const policy = resolvePolicy({ ...(config === undefined ? {} : { config }), configFile, options });
  const reference = await openSide(sideRequest(request, [request.reference], true), sources);
  try {
    const current = await openSide(sideRequest(request, request.current, false), sources);
    try {
      const notes = checkNamedColumns(policy.named, allNames([reference.side, current.side]));
      return await use({ reference, current, policy, notes });
    } finally {
      await current.close();
    }
  } finally {
    await reference.close();
  }
}

function sideRequest(
  { sample, seed, nullTokens }: DriftRequest,
  words: readonly string[],
  mayBeVersion: boolean,
): SideRequest {
  return {
    words,
    mayBeVersion,
    nullTokens,
    ...(sample === undefined ? {} : { sample, keepRows: sample }),
    ...(seed === undefined ? {} : { seed }),
  };
}

/** Compares two data sets by the rules of the request; docs/drift.md. */
export async function runDrift(
  request: DriftRequest,
  sources: SideSources,
  { signal, onColumns }: DriftProgress = {},
): Promise<DriftRun> {
  checkSample(request);
  return withDriftSides(request, sources, async (sides) => {
    const { reference, current, policy, notes } = sides;
    const compared = await compareSides(reference.side, current.side, {
      policy,
      ...choiceOf(request, sides),
      signal,
      progress: onColumns,
    });
    const report = await checkAllRows(compared, sides, { request, signal });
    return {
      report: { ...report, notes: [...report.notes, ...notes] },
      policy,
      model: reference.model,
    };
  });
}

/** The rules that the comparison of the request would follow; reads the first rows only. */
export async function explainRun(request: DriftRequest, sources: SideSources): Promise<DriftExplanation> {
  return withDriftSides(request, sources, (sides) => {
    const { reference, current, policy, notes } = sides;
    const explanation = explainDrift(
      { reference: reference.side, current: current.side },
      { policy, notes, ...choiceOf(request, sides) },
    );
    return Promise.resolve(explanation);
  });
}

function checkSample({ sample }: DriftRequest): void {
  if (sample === undefined || sample >= 100) return;
  throw new UsageError('INVALID_INPUT', `--sample: ${sample} rows are too few to compare anything`, {
    hint: 'take 100 or more; without --sample all rows of up to two million are compared',
  });
}

/** What is left out by `--columns` is not listed; whatever is left out otherwise is, with the reason. */
function choiceOf(request: DriftRequest, sides: DriftSides): ColumnChoice {
  const { target, prediction, probability } = request;
  return { target, prediction: prediction ?? probability, columns: chosenColumns(request, sides) };
}

function chosenColumns({ options }: DriftRequest, { reference, current }: DriftSides): string[] | undefined {
  const { columns } = options;
  if (columns === undefined) return undefined;
  const patterns = columns.flatMap(splitNames).filter((name) => name !== '');
  return allNames([reference.side, current.side]).filter((name) =>
    patterns.some((pattern) => matchesName(pattern, name)),
  );
}

function allNames(sides: readonly Side[]): string[] {
  return [...new Set(sides.flatMap(({ columns }) => columns.map(({ name }) => name)))];
}
