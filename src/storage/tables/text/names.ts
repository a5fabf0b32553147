import { UsageError } from '../../../errors.ts';
import type { InputFile } from './input-file.ts';

export const MOST_COLUMNS = 100_000;

export function tooWide({ shown }: InputFile): UsageError {
  return new UsageError('TABLE_TOO_WIDE', `${shown} has more than ${MOST_COLUMNS} columns`, {
    hint: 'a table has one row a record, not one column',
  });
}

/** Names are at most so long in messages. */
const SHOWN = 60;

export function describeName(name: string): string {
  const characters = Array.from(name.slice(0, 2 * SHOWN));
  return JSON.stringify(characters.length <= SHOWN ? name : `${characters.slice(0, SHOWN).join('')}...`);
}

interface NamedFile {
  file: InputFile;
  names: readonly string[];
}

/**
 * Where each column of the first file lies in another.
 *
 * @throws UsageError if one of them has a column that the other has not
 */
export function placesOf(first: NamedFile, other: NamedFile): number[] {
  const places = new Map(other.names.map((name, place) => [name, place]));
  const missing = first.names.find((name) => !places.has(name));
  if (missing !== undefined) throw disagreement(other.file, missing, first.file);
  const known = new Set(first.names);
  const more = other.names.find((name) => !known.has(name));
  if (more !== undefined) throw disagreement(first.file, more, other.file);
  return first.names.map((name) => places.get(name) as number);
}

function disagreement(lacking: InputFile, name: string, having: InputFile): UsageError {
  return new UsageError(
    'TABLE_SCHEMAS_DIFFER',
    `${lacking.shown} has no column ${describeName(name)}, which ${having.shown} has`,
    { hint: 'files that are read as one table need the same columns' },
  );
}
