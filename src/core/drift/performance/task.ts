import { BOOLEAN_WORDS } from '../../../storage/tables/table.ts';
import { type AlignedColumn, distinctLevels, isNumbers } from './columns.ts';

/** What is predicted, and how its levels are told apart. */
export type Task =
  | { readonly kind: 'regression' }
  | {
      readonly kind: 'binary';
      /** As it is written in the files. */
      readonly positive: string;
      /** 1 for the positive level, 0 for the other one, -1 for none of both. */
      readonly codeOf: (level: string | null) => -1 | 0 | 1;
    }
  | { readonly kind: 'multiclass'; readonly codeOf: (level: string | null) => number };

const WORDS = new Map<string, boolean>([
  ['1', true],
  ['0', false],
  ['1.0', true],
  ['0.0', false],
  ...BOOLEAN_WORDS.flatMap(([yes, no]): [string, boolean][] => [
    [yes, true],
    [no, false],
  ]),
]);

/** More classes than this are no classes that a mean F1 says anything about. */
export const MOST_CLASSES = 1000;

export interface TaskColumns {
  /** Of both sides, as far as they have them. */
  readonly targets: readonly (AlignedColumn | undefined)[];
  readonly predictions: readonly (AlignedColumn | undefined)[];
  /** The positive level, where the person named it. */
  readonly positive?: string | undefined;
}

/**
 * What the target is, from its values on both sides; from the predictions where no side has labels.
 *
 * A text, boolean or integer-coded column is a class; a numeric one is one if it holds 0 and 1, or -1 and 1, and else a quantity. Of two classes the
 * positive one is the one named, else `1` or the word for true, else the last in alphabetical order (as scikit-learn's).
 */
export function taskOf({ targets, predictions, positive }: TaskColumns): Task {
  const labelled = targets.some((column) => column !== undefined);
  const columns = labelled ? targets : predictions;
  const levels = distinctLevels(columns, 2);
  const all =
    levels ??
    distinctLevels(
      columns.filter((column) => column !== undefined && !isNumbers(column)),
      Infinity,
    ) ??
    [];
  const isNumeric = columns.some((column) => column !== undefined && isNumbers(column));
  if (isNumeric && !isPairOfCodes(levels)) return { kind: 'regression' };
  if (all.length > 2) return { kind: 'multiclass', codeOf: codes(all) };
  return binary(all, positive);
}

function isPairOfCodes(levels: readonly string[] | undefined): boolean {
  return (
    levels !== undefined &&
    (levels.every((level) => level === '0' || level === '1') || levels.join() === '-1,1')
  );
}

function codes(levels: readonly string[]): (level: string | null) => number {
  const known = new Map(levels.map((level, code) => [level, code]));
  return (level) => {
    if (level === null) return -1;
    const code = known.get(level);
    if (code !== undefined) return code;
    // A class that only the predictions know is a class all the same.
    known.set(level, known.size);
    return known.size - 1;
  };
}

function binary(levels: readonly string[], named: string | undefined): Task {
  const byWord = levels.length > 0 && levels.every((level) => WORDS.has(level.toLowerCase()));
  if (byWord && (named === undefined || WORDS.get(named.toLowerCase()) === true)) {
    // Labels `true` and predictions `1` mean the same.
    const codeOf = (level: string | null): -1 | 0 | 1 => {
      const isTrue = level === null ? undefined : WORDS.get(level.toLowerCase());
      return isTrue === undefined ? -1 : isTrue ? 1 : 0;
    };
    const positive = named ?? levels.find((level) => WORDS.get(level.toLowerCase()) === true) ?? '1';
    return { kind: 'binary', positive, codeOf };
  }
  const positive = named ?? levels.at(-1) ?? '1';
  const codeOf = (level: string | null): -1 | 0 | 1 => {
    if (level === null || !levels.includes(level)) return -1;
    return level === positive ? 1 : 0;
  };
  return { kind: 'binary', positive, codeOf };
}
