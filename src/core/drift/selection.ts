import type { Finding } from './checks/finding.ts';
import { addedColumn, changedType, missingColumn } from './checks/schema.ts';
import type { ColumnRules, DriftPolicy } from './policy/policy.ts';
import type { ColumnReport } from './report.ts';
import type { Side, SideColumn } from './side.ts';
import type { PinnedColumn } from './summary.ts';

export interface ColumnChoice {
  /** Only these; all unless told. */
  readonly columns?: readonly string[] | undefined;
  readonly exclude?: readonly string[] | undefined;
  readonly target?: string | undefined;
  readonly prediction?: string | undefined;
}

/** What is known of a column before anything is read. */
export interface ChosenColumn {
  readonly name: string;
  readonly role: ColumnReport['role'];
  readonly rules: ColumnRules;
  /** How it is read; null where no side has a type for it. */
  readonly pinned: PinnedColumn | null;
  /** Which sides are read. */
  readonly read: { readonly reference: boolean; readonly current: boolean };
  /** What its place in the two files says by itself. */
  readonly facts: readonly Finding[];
  /** Why it is not compared; null where it is, or where `facts` say enough. */
  readonly skipped: string | null;
  readonly reference: SideColumn | null;
  readonly current: SideColumn | null;
}

/** Columns of the reference in its order, then those that only the current data has. */
export function selectColumns(
  reference: Side,
  current: Side,
  { policy, ...choice }: ColumnChoice & { policy: DriftPolicy },
): ChosenColumn[] {
  const after = new Map(current.columns.map((column) => [column.name, column]));
  const known = new Set(reference.columns.map(({ name }) => name));
  const wanted = choice.columns === undefined ? undefined : new Set(choice.columns);
  const excluded = new Set(choice.exclude);
  const pairs = [
    ...reference.columns.map((column) => [column, after.get(column.name) ?? null] as const),
    ...current.columns.filter(({ name }) => !known.has(name)).map((column) => [null, column] as const),
  ];
  const roleOf = (name: string): ColumnReport['role'] =>
    name === choice.target ? 'target' : name === choice.prediction ? 'prediction' : 'feature';
  return pairs.flatMap(([before, now]) => {
    const name = (before ?? now)?.name;
    if (name === undefined) return [];
    const role = roleOf(name);
    // What has a role is compared whether it is listed among the columns or not.
    if (wanted !== undefined && !wanted.has(name) && role === 'feature') return [];
    const pair: Pair = { reference: before, current: now, sides: { reference, current } };
    const common = { name, role, rules: policy.column(name), reference: before, current: now };
    return [{ ...common, ...choose(pair, common, excluded) }];
  });
}

interface Pair {
  reference: SideColumn | null;
  current: SideColumn | null;
  sides: { reference: Side; current: Side };
}

type Choice = Pick<ChosenColumn, 'pinned' | 'read' | 'facts' | 'skipped'>;

const NEITHER = { reference: false, current: false };

function leftOut(skipped: string): Choice {
  return { pinned: null, read: NEITHER, facts: [], skipped };
}

function choose(
  pair: Pair,
  { name, role, rules }: { name: string; role: ColumnReport['role']; rules: ColumnRules },
  excluded: ReadonlySet<string>,
): Choice {
  if (excluded.has(name)) return leftOut('left out by --exclude');
  if (rules.ignored.value) return leftOut(`left out by ${rules.ignored.origin}`);
  const { reference, current } = pair;
  if (reference === null) return chooseAdded(pair, rules);
  if (reference.skipped !== undefined && current !== null) return leftOut(reference.skipped);
  // That a column is gone can be told without comparing values.
  const pinned = reference.skipped === undefined ? pin(reference, rules) : null;
  if (current === null) {
    if (role === 'target') return leftOut('the current data has no labels');
    return {
      pinned,
      read: { reference: pinned !== null, current: false },
      facts: [missingColumn()],
      skipped: null,
    };
  }
  if (current.skipped !== undefined) {
    const facts = [changedType(pinned?.type ?? 'null only', current.skipped)];
    return { pinned, read: { reference: pinned !== null, current: false }, facts, skipped: null };
  }
  return chooseCommon(reference, current, { rules, sides: pair.sides });
}

function chooseAdded({ current }: Pair, rules: ColumnRules): Choice {
  const pinned = current === null || current.skipped !== undefined ? null : pin(current, rules);
  return { pinned, read: NEITHER, facts: [addedColumn(pinned?.type ?? null)], skipped: null };
}

interface Context {
  rules: ColumnRules;
  sides: { reference: Side; current: Side };
}

function chooseCommon(reference: SideColumn, current: SideColumn, { rules, sides }: Context): Choice {
  const both = { reference: true, current: true };
  const onProfile = profileTypes(reference, current, sides);
  if (onProfile !== undefined && onProfile.reference.type !== onProfile.current.type) {
    const facts = [changedType(onProfile.reference.type, onProfile.current.type)];
    return { pinned: onProfile.reference, read: { reference: true, current: false }, facts, skipped: null };
  }
  // What a profile kept is fixed, so that it decides where only the current side is one.
  const first = sides.current.kind === 'profile' && sides.reference.kind === 'table' ? current : reference;
  const pinned = pin(first, rules) ?? pin(first === current ? reference : current, rules);
  if (pinned === null) return leftOut('all of it is null on both sides');
  const conflict = rules.type === undefined ? declaredConflict(reference, current, sides) : undefined;
  return { pinned, read: both, facts: conflict === undefined ? [] : [conflict], skipped: null };
}

/** The types of two profiles, which can't be read another way; undefined where a side is a table. */
function profileTypes(reference: SideColumn, current: SideColumn, sides: Context['sides']) {
  if (sides.reference.kind === 'table' || sides.current.kind === 'table') return undefined;
  if (reference.inferred === null || current.inferred === null) return undefined;
  return { reference: reference.inferred, current: current.inferred };
}

function pin({ name, inferred }: SideColumn, { type }: ColumnRules): PinnedColumn | null {
  if (type === undefined) return inferred;
  const reason = `set by ${type.origin}`;
  const integers = inferred?.integers ?? inferred?.type === 'numeric';
  return {
    name,
    type: type.value,
    reason,
    ...(type.value === 'categorical' && integers ? { integers } : {}),
  };
}

const KINDS = {
  numeric: 'numbers',
  boolean: 'numbers',
  datetime: 'times',
  categorical: 'text',
  text: 'text',
} as const;

/** Files that declare their types and do not agree: whoever reads the column with its old type fails, even where the values are alike. */
function declaredConflict(
  reference: SideColumn,
  current: SideColumn,
  sides: Context['sides'],
): Finding | undefined {
  const before = reference.declared;
  const after = current.declared;
  if (sides.reference.kind === 'profile' || sides.current.kind === 'profile') return undefined;
  if (before === undefined || after === undefined || KINDS[before] === KINDS[after]) return undefined;
  return changedType(before, after);
}
