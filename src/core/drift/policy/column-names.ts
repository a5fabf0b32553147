import { UsageError } from '../../../errors.ts';
import { matchesGlob } from '../../../lib/glob.ts';
import { suggestNames } from '../../../lib/nearest.ts';
import { columnText } from '../text-of.ts';
import type { DriftLayer } from './layers.ts';
import type { ReadOptions } from './options.ts';

/** A column that settings or options speak of. */
export interface NamedColumn {
  readonly name: string;
  readonly origin: string;
  /** `glob`: `*` and `?` stand for other characters, besides for themselves. */
  readonly match: 'name' | 'glob';
  /** Said on the command line: a column that no data has is then an error, not a note. */
  readonly typed: boolean;
}

/** Whether a name or glob of `ignore`, `--columns` or `--exclude` means the column. `*` and `?` cross every character, `/` too. */
export function matchesName(pattern: string, name: string): boolean {
  if (pattern === name) return true;
  if (!/[*?]/.test(pattern)) return false;
  return matchesGlob(withoutSlashes(pattern).replaceAll(/\*{2,}/g, '*'), withoutSlashes(name));
}

/** `/` is a letter like others in a name, but not in a glob of paths. */
function withoutSlashes(text: string): string {
  return text.replaceAll('/', '\0');
}

/** Everything that is said by a column's name, the command line first. */
export function namedColumns(layers: readonly DriftLayer[], options: ReadOptions): NamedColumn[] {
  const typed = (origin: string, match: NamedColumn['match'], names: Iterable<string>): NamedColumn[] =>
    Array.from(names, (name) => ({ name, origin, match, typed: true }));
  const { weights } = options;
  return [
    ...typed('--type', 'name', options.types.keys()),
    ...typed('--columns', 'glob', options.columns ?? []),
    ...typed('--exclude', 'glob', options.exclude),
    ...Array.from(weights?.weights.keys() ?? [], (name) => ({
      name,
      origin: `--weights ${weights?.source ?? ''}`,
      match: 'name' as const,
      typed: false,
    })),
    ...layers.flatMap(namedInFile),
  ];
}

function namedInFile({ file, prefix, settings, columns, floors }: DriftLayer): NamedColumn[] {
  const named = (path: string, match: NamedColumn['match'], names: Iterable<string>): NamedColumn[] =>
    Array.from(names, (name) => ({ name, origin: `config ${file} ${prefix}${path}`, match, typed: false }));
  return [
    ...named('ignore', 'glob', settings.ignore ?? []),
    ...named('columns', 'name', columns.keys()),
    ...named('calibration', 'name', floors.keys()),
  ];
}

const MOST_NOTES = 20;

/**
 * Holds what is said of columns against those that there are (of both sides).
 *
 * @returns a note for each column of a file that there is not, at most 20
 * @throws UsageError `UNKNOWN_COLUMN` for one that was named on the command line, with the nearest names; and for weights of which none is
 * of a column
 */
export function checkNamedColumns(named: readonly NamedColumn[], columns: readonly string[]): string[] {
  const known = new Set(columns);
  const isKnown = ({ name, match }: NamedColumn): boolean =>
    known.has(name) || (match === 'glob' && columns.some((column) => matchesName(name, column)));
  const unknown = named.filter((entry) => !isKnown(entry));
  const typed = unknown.filter((entry) => entry.typed);
  const [first] = typed;
  if (first !== undefined)
    throw unknownColumn(typed, suggestNames(first.name, columns, { show: columnText }));
  assertSomeWeight(named, unknown);
  const notes = unknown.map(({ name, origin }) => {
    const guess = suggestNames(name, columns, { existing: [], show: columnText });
    return `${origin}: there is no column ${columnText(name)}${guess === undefined ? '' : `; ${guess}`}`;
  });
  const more = notes.length - MOST_NOTES;
  return more <= 0
    ? notes
    : [...notes.slice(0, MOST_NOTES), `and ${more} more columns that are not in the data`];
}

function unknownColumn(typed: readonly NamedColumn[], hint: string | undefined): UsageError {
  const lines = typed.map(({ name, origin, match }) => {
    const isGlob = match === 'glob' && /[*?]/.test(name);
    return `${origin}: there is no column ${isGlob ? 'that matches ' : ''}${columnText(name)}`;
  });
  return new UsageError('UNKNOWN_COLUMN', lines.join('\n'), hint === undefined ? {} : { hint });
}

function assertSomeWeight(named: readonly NamedColumn[], unknown: readonly NamedColumn[]): void {
  const ofWeights = (entries: readonly NamedColumn[]): NamedColumn[] =>
    entries.filter(({ origin }) => origin.startsWith('--weights '));
  const all = ofWeights(named);
  const [first] = all;
  if (first === undefined || ofWeights(unknown).length < all.length) return;
  throw new UsageError(
    'UNKNOWN_COLUMN',
    `${first.origin}: none of its ${all.length} columns is in the data`,
    {
      hint: 'its names have to be those of the header, in the same case',
    },
  );
}
