import { DRIFT_COLUMN_TYPES } from '../../../config/drift-names.ts';
import { DriftAlpha, DriftPolicyName, DriftSeverity } from '../../../config/drift-settings.ts';
import { UsageError } from '../../../errors.ts';
import { nearestNames } from '../../../lib/nearest.ts';
import { printable } from '../../../lib/terminal-text.ts';
import type { ColumnType } from '../../../storage/tables/table.ts';
import type { DriftFailOn } from '../../../config/drift-names.ts';
import type { PolicyKind } from './policy.ts';

/** What the command line says of the policy, as typed; absent where nothing was. */
export interface PolicyOptions {
  readonly policy?: string | undefined;
  readonly alpha?: number | undefined;
  readonly failOn?: string | undefined;
  readonly failOnInconclusive?: boolean | undefined;
  /** `--type`, each `column=kind`. */
  readonly types?: readonly string[] | undefined;
  /** `--columns` and `--exclude`: names or globs, separated by commas. */
  readonly columns?: readonly string[] | undefined;
  readonly exclude?: readonly string[] | undefined;
  /** `--weights`, already read. */
  readonly weights?: { readonly source: string; readonly weights: ReadonlyMap<string, number> } | undefined;
}

export interface ReadOptions {
  readonly policy: PolicyKind | undefined;
  readonly alpha: number | undefined;
  readonly failOn: DriftFailOn | undefined;
  readonly failOnInconclusive: boolean | undefined;
  readonly types: ReadonlyMap<string, ColumnType>;
  /** undefined: all columns. */
  readonly columns: readonly string[] | undefined;
  readonly exclude: readonly string[];
  readonly weights: PolicyOptions['weights'];
}

/** @throws UsageError `INVALID_INPUT` naming the option */
export function readOptions(options: PolicyOptions): ReadOptions {
  return {
    policy: checked('--policy', DriftPolicyName, options.policy),
    alpha: checked('--alpha', DriftAlpha, options.alpha),
    failOn: checked('--fail-on', DriftSeverity, options.failOn),
    failOnInconclusive: options.failOnInconclusive,
    types: typesOf(options.types ?? []),
    columns: options.columns === undefined ? undefined : namesOf('--columns', options.columns),
    exclude: namesOf('--exclude', options.exclude ?? []),
    weights: options.weights,
  };
}

interface Schema<Value> {
  safeParse(
    value: unknown,
  ): { success: true; data: Value } | { success: false; error: { issues: { message: string }[] } };
}

function checked<Value>(
  option: string,
  schema: Schema<Value>,
  value: string | number | undefined,
): Value | undefined {
  if (value === undefined) return undefined;
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problem = parsed.error.issues.map(({ message }) => message).join('; ');
  throw new UsageError('INVALID_INPUT', `${option}: ${printable(String(value))} is not possible: ${problem}`);
}

function typesOf(words: readonly string[]): ReadonlyMap<string, ColumnType> {
  const types = new Map<string, ColumnType>();
  for (const word of words) {
    // A name may hold "=", a kind can not.
    const at = word.lastIndexOf('=');
    const column = word.slice(0, Math.max(0, at));
    const type = kindOf(word.slice(at + 1), word);
    if (column === '') {
      throw new UsageError('INVALID_INPUT', `--type: "${printable(word)}" names no column`, {
        hint: 'write it as --type age=numeric',
      });
    }
    const before = types.get(column);
    if (before !== undefined && before !== type) {
      throw new UsageError(
        'INVALID_INPUT',
        `--type: ${printable(column)} is called both ${before} and ${type}`,
      );
    }
    types.set(column, type);
  }
  return types;
}

function kindOf(text: string, word: string): ColumnType {
  const found = DRIFT_COLUMN_TYPES.find((type) => type === text.trim().toLowerCase());
  if (found !== undefined) return found;
  const [near] = nearestNames(text, DRIFT_COLUMN_TYPES, 1);
  throw new UsageError('INVALID_INPUT', `--type: "${printable(word)}" names no type that there is`, {
    hint: near === undefined ? `the types are ${DRIFT_COLUMN_TYPES.join(', ')}` : `did you mean ${near}?`,
  });
}

/** Names separated by commas. One that holds a comma stands in double quotes, with a quote within it doubled, as in CSV. */
function namesOf(option: string, words: readonly string[]): string[] {
  const names = new Set<string>();
  for (const word of words) {
    for (const name of splitNames(word)) {
      if (name !== '') names.add(name);
    }
  }
  if (words.length > 0 && names.size === 0) {
    throw new UsageError('INVALID_INPUT', `${option}: "${printable(words.join(' '))}" names no column`);
  }
  return [...names];
}

const QUOTED = /^\s*"((?:[^"]|"")*)"\s*(?:,|$)/;

export function splitNames(word: string): string[] {
  const names: string[] = [];
  let rest = word;
  for (;;) {
    const quoted = QUOTED.exec(rest);
    if (quoted !== null) {
      names.push((quoted[1] ?? '').replaceAll('""', '"'));
      if (!quoted[0].endsWith(',')) return names;
      rest = rest.slice(quoted[0].length);
      continue;
    }
    const comma = rest.indexOf(',');
    names.push((comma === -1 ? rest : rest.slice(0, comma)).trim());
    if (comma === -1) return names;
    rest = rest.slice(comma + 1);
  }
}
