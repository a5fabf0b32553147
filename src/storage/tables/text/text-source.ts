import type { TableColumn } from '../table.ts';
import { makeBatch, MalformedText, type Batch, type RecordScanner } from './batch.ts';
import { CsvScanner } from './csv-scanner.ts';
import { textSize, type InputFile } from './input-file.ts';
import { JsonScanner } from './json-scanner.ts';
import { malformedFile } from './malformed-file.ts';
import { records } from './records.ts';
import { TextBuffer } from './text-buffer.ts';

/** One of the files of a table. */
export interface TextSource {
  file: InputFile;
  /** How its records are found. */
  syntax: { kind: 'delimited'; delimiter: string } | { kind: 'json' };
  /** Bytes of the header. */
  skip: number;
  /** For each column of the table its place in this file. */
  places: readonly number[];
}

/** Some rows, and for each column of the table its place among them. */
export interface PlacedBatch {
  batch: Batch;
  places: readonly number[];
}

/** The rows of several files, one file after the other. */
export class TextSources {
  readonly #sources: readonly TextSource[];
  readonly #columns: readonly TableColumn[];
  #rowBytes: number | undefined;

  constructor(sources: readonly TextSource[], columns: readonly TableColumn[]) {
    this.#sources = sources;
    this.#columns = columns;
  }

  /** A little more rows than there probably are, told from the first ones; 0 if none was seen yet. */
  get expectedRows(): number {
    if (this.#rowBytes === undefined) return 0;
    const bytes = this.#sources.reduce((sum, { file }) => sum + textSize(file), 0);
    return 1.1 * (bytes / this.#rowBytes) + 1000;
  }

  /**
   * The same batch is filled again and again.
   *
   * @param isNumeric whether numbers are wanted of a column of the table
   * @throws UsageError for malformed files; LocalIoError
   */
  async *batches(isNumeric: (column: number) => boolean): AsyncGenerator<PlacedBatch> {
    const batch = makeBatch(this.#columns.length);
    for (const { file, syntax, skip, places } of this.#sources) {
      for (const [column, place] of places.entries()) batch.numeric[place] = isNumeric(column) ? 1 : 0;
      const text = new TextBuffer(file);
      try {
        const scanner = scannerOf(syntax, this.#columns);
        for await (const each of records(text, { scanner, batch, skip })) {
          this.#rowBytes ??= bytesPerRow(each);
          yield { batch: each, places };
        }
      } catch (error) {
        if (error instanceof MalformedText) throw await malformedFile(file, error);
        throw error;
      } finally {
        text.close();
      }
    }
  }
}

function scannerOf(syntax: TextSource['syntax'], columns: readonly TableColumn[]): RecordScanner {
  if (syntax.kind === 'delimited') return new CsvScanner(syntax.delimiter.charCodeAt(0));
  // The names are all known; those of a file that grew meanwhile are left out.
  return new JsonScanner(
    columns.map(({ name }) => name),
    { add: () => -1 },
  );
}

function bytesPerRow({ rows, rowStarts, rowEnds }: Batch): number {
  return Math.max(1, ((rowEnds[rows - 1] as number) - (rowStarts[0] as number)) / rows);
}
