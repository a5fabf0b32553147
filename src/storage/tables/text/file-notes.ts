import type { InputFile } from './input-file.ts';

/** What is assumed about a file of text, for people. */
export function fileNotes({ shown, encoding, compression }: InputFile): string[] {
  const notes: string[] = [];
  if (encoding !== 'utf-8') notes.push(`encoding ${encoding.toUpperCase()}`);
  if (compression === 'zstd') notes.push(`the checksum of ${shown} is not verified`);
  return notes;
}
