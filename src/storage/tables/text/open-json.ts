import { UsageError } from '../../../errors.ts';
import type { TableColumn } from '../table.ts';
import { makeBatch, MalformedText } from './batch.ts';
import type { InputFile } from './input-file.ts';
import { JsonScanner, type JsonColumns, type JsonKind } from './json-scanner.ts';
import { malformedFile } from './malformed-file.ts';
import { MOST_COLUMNS, placesOf, tooWide } from './names.ts';
import { records } from './records.ts';
import { TextBuffer } from './text-buffer.ts';
import { fileNotes } from './file-notes.ts';
import type { TextSource } from './text-source.ts';
import { TextTable } from './text-table.ts';

/** What the values of one name are. */
interface Found extends Record<JsonKind, number> {
  name: string;
}

/**
 * Finds out the columns of files of JSON objects. Each file is read to its end: a name may come up late, and nobody declares it.
 *
 * @throws UsageError for malformed files, and files whose names differ
 */
export async function openJson(
  files: readonly InputFile[],
  nullTokens: readonly string[] | undefined,
): Promise<TextTable> {
  const found: Found[] = [];
  const places = new Map<string, number>();
  const sources: TextSource[] = [];
  const notes = new Set<string>();
  let first: { file: InputFile; names: string[] } | undefined;
  for (const file of files) {
    const names = await namesOf(
      file,
      (name) => {
        const known = places.get(name);
        if (known !== undefined) return known;
        places.set(name, found.length);
        return found.push({ name, text: 0, number: 0, boolean: 0, nested: 0, time: 0 }) - 1;
      },
      found,
    );
    first ??= { file, names };
    placesOf(first, { file, names });
    sources.push({ file, syntax: { kind: 'json' }, skip: 0, places: [] });
    for (const note of fileNotes(file)) notes.add(note);
  }
  if (found.length === 0) {
    throw new UsageError('TABLE_EMPTY', `${files[0]?.shown ?? ''} has no objects with names`, {
      hint: 'a table needs a column at least',
    });
  }
  const identity = found.map((_, place) => place);
  return new TextTable({
    sources: sources.map((source) => ({ ...source, places: identity })),
    columns: found.map(describe),
    notes: [...notes],
    nullTokens,
  });
}

/** The names in one file, in the order in which they come. */
async function namesOf(file: InputFile, place: (name: string) => number, found: Found[]): Promise<string[]> {
  const names: string[] = [];
  const columns: JsonColumns = {
    add: (name) => {
      names.push(name);
      if (names.length > MOST_COLUMNS) throw tooWide(file);
      return place(name);
    },
    value: (column, kind) => {
      const counts = found[column];
      if (counts !== undefined) counts[kind] += 1;
    },
  };
  const text = new TextBuffer(file);
  try {
    const scanner = new JsonScanner([], columns);
    const batch = makeBatch(0);
    for await (const each of records(text, { scanner, batch, skip: 0 })) void each;
    return names;
  } catch (error) {
    if (error instanceof MalformedText) throw await malformedFile(file, error);
    throw error;
  } finally {
    text.close();
  }
}

/** JSON has types of its own. Times are texts there, so texts that are times declare nothing. */
function describe({ name, text, number, boolean, nested, time }: Found): TableColumn {
  const all = text + time + number + boolean + nested;
  const skipped = all > 0 && nested * 2 >= all ? 'nested values are not compared' : undefined;
  let declared: string | undefined;
  if (all > 0 && number === all) declared = 'DOUBLE';
  else if (all > 0 && boolean === all) declared = 'BOOLEAN';
  else if (all > 0 && text === all) declared = 'VARCHAR';
  return { name, declared, skipped };
}
