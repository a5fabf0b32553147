import { UsageError } from '../../../errors.ts';
import type { MalformedText } from './batch.ts';
import type { InputFile } from './input-file.ts';
import { locate } from './locate.ts';

/** The error for people: which file, which line, which column of it. */
export async function malformedFile(
  file: InputFile,
  { offset, message }: MalformedText,
): Promise<UsageError> {
  const { line, column } = await locate(file, offset);
  return new UsageError('TABLE_MALFORMED', `${file.shown}: line ${line}, column ${column}: ${message}`, {
    hint: 'mend the file, or write it again with the program it comes from',
  });
}
