import type { InputFile } from './input-file.ts';
import { nativeZstd } from './unpacked.ts';

/** What is assumed about a file of text, for people. */
export function fileNotes({ shown, encoding, compression }: InputFile): string[] {
  const notes: string[] = [];
  if (encoding !== 'utf-8') notes.push(`encoding ${encoding.toUpperCase()}`);
  if (compression === 'zstd' && nativeZstd() === undefined) {
    notes.push(`the checksum of ${shown} is not verified, which takes Node 22.15 or later`);
  }
  return notes;
}
