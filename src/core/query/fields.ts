import { createCursor } from './cursor.ts';
import { readField } from './field.ts';
import type { Field, QueryOptions } from './subject.ts';

const HINT = 'write names separated by commas, such as name,metrics.accuracy,params.depth';

/**
 * Parses a list of fields separated by commas; names are those of `parseFilter`.
 * @throws UsageError `COLUMNS_INVALID` naming the 1-based position (UTF-16 units) and what was expected there
 */
export function parseFields(text: string, options: QueryOptions = {}): readonly Field[] {
  const cursor = createCursor(text, { code: 'COLUMNS_INVALID', subject: 'list of columns', hint: HINT });
  const fields = [readField(cursor, options)];
  while (cursor.takeSymbol(',')) fields.push(readField(cursor, options));
  if (!cursor.atEnd()) throw cursor.expected('a comma or the end of the list');
  return fields;
}
