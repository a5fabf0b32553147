import { MalformedText } from './batch.ts';
import type { InputFile } from './input-file.ts';
import { textBlocks } from './text-blocks.ts';

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
  const place = { line: 1, column: 1 };
  let seen = 0;
  let afterCr = false;
  try {
    for await (const block of textBlocks(file, { check: false })) {
      const end = Math.min(block.length, offset - seen);
      for (let at = 0; at < end; at += 1) {
        const byte = block[at] as number;
        if (byte === LF || byte === CR) {
          // The LF after a CR ends no second line.
          if (byte === CR || !afterCr) place.line += 1;
          place.column = 1;
        } else if ((byte & 0xc0) !== 0x80) {
          place.column += 1;
        }
        afterCr = byte === CR;
      }
      seen += block.length;
      if (seen >= offset) break;
    }
  } catch (error) {
    // What is damaged from here on is not needed.
    if (!(error instanceof MalformedText)) throw error;
  }
  return place;
}
