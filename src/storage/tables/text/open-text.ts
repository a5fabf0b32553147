import { UsageError } from '../../../errors.ts';
import type { OpenTableOptions, Table } from '../table.ts';
import type { InputFile } from './input-file.ts';
import { openDelimited } from './open-delimited.ts';
import { TextTable } from './text-table.ts';

export async function openText(
  files: readonly InputFile[],
  { nullTokens }: OpenTableOptions,
): Promise<Table> {
  if (files[0]?.format === 'json') throw new UsageError('TABLE_FORMAT_UNKNOWN', 'JSON is not read yet');
  const { sources, columns, notes } = await openDelimited(files);
  const table = new TextTable({ sources, columns, nullTokens });
  return {
    columns,
    notes,
    evidence: (options) => table.evidence(options),
    read: async (plan, options) => {
      const { columns: pending, ...rest } = await table.read(plan, options);
      return { ...rest, columns: finished(pending) };
    },
    sampleRows: (plan, options) => table.sampleRows(plan, options),
    close: () => Promise.resolve(),
  };
}

/** Each column is made when it is asked for, and its parts are free for the next. */
async function* finished<Column>(pending: (() => Column)[]): AsyncGenerator<Column> {
  for (let make = pending.shift(); make !== undefined; make = pending.shift()) yield make();
}
