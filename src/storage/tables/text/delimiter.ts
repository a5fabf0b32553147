import { makeBatch, MalformedText, pieceOf, type Piece } from './batch.ts';
import { CsvScanner, type Header } from './csv-scanner.ts';

const CANDIDATES = [',', ';', '\t', '|'] as const;
/** Rows that are looked at. */
const ROWS = 200;
const LF = 0x0a;

/**
 * The delimiter of a text: the one by which the most of its first rows have as many cells as the header; of several the one with the
 * most cells. The one that the file's name suggests wins a tie.
 *
 * @param head the first part of the text
 * @param whole nothing follows `head`
 */
export function sniffDelimiter(head: Buffer, whole: boolean, suggested: ',' | '\t'): string {
  const ordered = [suggested, ...CANDIDATES.filter((candidate) => candidate !== suggested)];
  let best = { delimiter: suggested as string, share: 0, cells: 1 };
  for (const delimiter of ordered) {
    const found = tryDelimiter(head, whole, delimiter.charCodeAt(0));
    if (found.cells < 2) continue;
    const better =
      best.cells < 2 || found.share > best.share || (found.share === best.share && found.cells > best.cells);
    if (better) best = { delimiter, ...found };
  }
  return best.delimiter;
}

/** The share of rows with as many cells as the header, and how many cells that has. */
function tryDelimiter(head: Buffer, whole: boolean, delimiter: number): { share: number; cells: number } {
  const scanner = new CsvScanner(delimiter);
  // Scanning takes escapes out, which the next candidate must still see.
  const piece = pieceOf(head, whole);
  const header = headerOf(piece, scanner);
  if (header === undefined || header.names.length < 2) return { share: 0, cells: 0 };
  const batch = makeBatch(header.names.length, { capacity: 1 });
  let rows = 0;
  let good = 0;
  for (let at = header.end; at < piece.length && rows < ROWS; rows += 1) {
    try {
      at = scanner.scan(piece, at, batch);
      if (batch.rows === 0) break;
      good += 1;
    } catch (error) {
      if (!(error instanceof MalformedText)) throw error;
      at = piece.bytes.indexOf(LF, error.offset) + 1;
    }
  }
  return { share: rows === 0 ? 1 : good / rows, cells: header.names.length };
}

/** A quote that is not closed with one delimiter may be none with another. */
function headerOf(piece: Piece, scanner: CsvScanner): Header | undefined {
  try {
    return scanner.header(piece);
  } catch (error) {
    if (error instanceof MalformedText) return undefined;
    throw error;
  }
}
