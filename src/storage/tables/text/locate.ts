import { MalformedText } from './batch.ts';
import type { InputFile } from './input-file.ts';
import { TextBuffer } from './text-buffer.ts';

const LF = 0x0a;
const CR = 0x0d;

export interface Place {
  /** From 1: lines as an editor counts them, also inside quotes. */
  line: number;
  /** From 1, in characters. */
  column: number;
}

/** The line and column of a byte of a file's text. Reads the file again, which only who reports an error has to. */
export async function locate(file: InputFile, offset: number): Promise<Place> {
  const text = new TextBuffer(file, { check: false });
  const place = { line: 1, column: 1 };
  let afterCr = false;
  try {
    while (!text.last && text.offset + text.length < offset) {
      await text.more(text.length);
      const end = Math.min(text.length, offset - text.offset);
      for (let at = 0; at < end; at += 1) {
        const byte = text.bytes[at] as number;
        if (byte === LF || byte === CR) {
          // The LF after a CR ends no second line.
          if (byte === CR || !afterCr) place.line += 1;
          place.column = 1;
        } else if ((byte & 0xc0) !== 0x80) {
          place.column += 1;
        }
        afterCr = byte === CR;
      }
    }
  } catch (error) {
    // What is damaged from here on is not needed.
    if (!(error instanceof MalformedText)) throw error;
  } finally {
    text.close();
  }
  return place;
}
