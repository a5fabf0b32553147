import { extname } from 'node:path';
import { UsageError } from '../../../errors.ts';
import { parseNumber } from '../values/number.ts';
import { MalformedText } from './batch.ts';
import { CsvScanner, type Header } from './csv-scanner.ts';
import { sniffDelimiter } from './delimiter.ts';
import type { InputFile } from './input-file.ts';
import { locate } from './locate.ts';
import { malformedFile } from './malformed-file.ts';
import { LONGEST_RECORD, TextBuffer } from './text-buffer.ts';
import { describeName, MOST_COLUMNS, placesOf, tooWide } from './names.ts';
import { fileNotes } from './file-notes.ts';
import type { TextSource } from './text-source.ts';
import { TextTable } from './text-table.ts';

const DELIMITER_NAMES: Readonly<Record<string, string>> = { '\t': 'tab', ';': '";"', '|': '"|"' };

/**
 * Reads the headers of files of delimited text.
 *
 * @throws UsageError for malformed heads, names that come twice, and files that name other columns than the first
 */
export async function openDelimited(
  files: readonly InputFile[],
  nullTokens: readonly string[] | undefined,
): Promise<TextTable> {
  const sources: TextSource[] = [];
  const notes = new Set<string>();
  let first: { file: InputFile; names: string[] } | undefined;
  for (const file of files) {
    const { delimiter, header } = await headerOf(file);
    await checkNames(file, header);
    first ??= { file, names: header.names };
    sources.push({
      file,
      syntax: { kind: 'delimited', delimiter },
      skip: header.end,
      places: placesOf(first, { file, names: header.names }),
    });
    if (delimiter !== ',' && !(delimiter === '\t' && isTsv(file))) {
      notes.add(`delimiter ${DELIMITER_NAMES[delimiter] ?? delimiter}`);
    }
    for (const note of fileNotes(file)) notes.add(note);
    if (looksLikeData(header.names))
      notes.add(`the first line of ${file.shown} looks like data, and is taken for the header`);
  }
  const columns = (first?.names ?? []).map((name) => ({ name, declared: undefined, skipped: undefined }));
  return new TextTable({ sources, columns, notes: [...notes], nullTokens });
}

function isTsv({ shown }: InputFile): boolean {
  return ['.tsv', '.tab'].includes(extname(shown.replace(/\.(?:gz|zst)$/i, '')).toLowerCase());
}

/** All names are numbers: `5.1,3.5,1.4`. */
function looksLikeData(names: readonly string[]): boolean {
  return names.every((name) => {
    const bytes = Buffer.from(name);
    const number = parseNumber(bytes, 0, bytes.length);
    return number === number;
  });
}

async function headerOf(file: InputFile): Promise<{ delimiter: string; header: Header }> {
  const text = new TextBuffer(file);
  const suggested = isTsv(file) ? '\t' : ',';
  try {
    for (let tried = 0; !text.last;) {
      await text.more(0);
      // A long header comes in many pieces, and each try looks at all of them.
      if (!text.last && text.length < 2 * tried) continue;
      tried = text.length;
      const head = text.bytes.subarray(0, text.length);
      const delimiter = sniffDelimiter(head, text.last, suggested);
      const header = new CsvScanner(delimiter.charCodeAt(0)).header(text);
      if (header !== undefined) return { delimiter, header };
      if (text.length > LONGEST_RECORD) {
        throw new MalformedText(0, 'a header of more than 64 MiB, or a quote that is never closed');
      }
    }
  } catch (error) {
    if (error instanceof MalformedText) throw await malformedFile(file, error);
    throw error;
  } finally {
    text.close();
  }
  throw new UsageError('TABLE_EMPTY', `${file.shown} has no header`, {
    hint: 'a table needs a header at least',
  });
}

async function checkNames(file: InputFile, { names, places }: Header): Promise<void> {
  if (names.length > MOST_COLUMNS) throw tooWide(file);
  const known = new Map<string, number>();
  for (const [index, name] of names.entries()) {
    const earlier = known.get(name);
    if (earlier !== undefined) {
      const { line, column } = await locate(file, places[index] as number);
      throw new UsageError(
        'TABLE_DUPLICATE_COLUMN',
        `${file.shown}: line ${line}, column ${column}: ${describeName(name)} is the name of columns ${earlier + 1} and ${index + 1}`,
        { hint: 'give each column a name of its own' },
      );
    }
    known.set(name, index);
  }
}
