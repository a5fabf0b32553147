import { UsageError } from '../../errors.ts';
import { detectFormat } from './detect-format.ts';
import { openTable } from './engine/open-table.ts';
import { findFiles } from './find-files.ts';
import type { OpenTableOptions, Table, TableReader } from './table.ts';
import type { InputFile } from './text/input-file.ts';

const FORMAT_NAMES = { delimited: 'delimited text', json: 'JSON', parquet: 'Parquet' } as const;

export function createTableReader(): TableReader {
  return { open: openPaths };
}

async function openPaths(paths: readonly string[], { cwd, nullTokens }: OpenTableOptions): Promise<Table> {
  const files: InputFile[] = [];
  for (const file of await findFiles(paths, cwd)) files.push(await detectFormat(file));
  const [first] = files;
  if (first === undefined) {
    throw new UsageError('TABLE_NOT_FOUND', 'no file is named', { hint: 'name at least one' });
  }
  const other = files.find(({ format }) => format !== first.format);
  if (other !== undefined) {
    throw new UsageError(
      'TABLE_SCHEMAS_DIFFER',
      `${first.shown} is ${FORMAT_NAMES[first.format]}, ${other.shown} is ${FORMAT_NAMES[other.format]}`,
      { hint: 'files that are read as one table need the same format' },
    );
  }
  return openTable(files, nullTokens === undefined ? {} : { nullTokens });
}
