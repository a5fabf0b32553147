import type { ColumnData, OpenTableOptions, Table } from '../table.ts';
import { textSize, type InputFile } from '../text/input-file.ts';
import type { TableEngine } from './engine.ts';
import { LocalEngine } from './local-engine.ts';
import { ThreadEngine, threadProgram } from './thread-engine.ts';

/** Fewer bytes are read in the time that a thread takes to start. */
const WORTH_A_THREAD = 4 * 1024 * 1024;

export interface OpenFilesOptions extends Pick<OpenTableOptions, 'nullTokens'> {
  /** Path of the program of a thread that reads large tables; undefined to read on this one. */
  program?: string | undefined;
}

/**
 * Opens files of one format as one table.
 *
 * @throws UsageError for malformed heads, and files that do not fit together; MlopsError `MISSING_DEPENDENCY`
 */
export async function openTable(
  files: readonly InputFile[],
  { nullTokens, program = threadProgram() }: OpenFilesOptions,
): Promise<Table> {
  const bytes = files.reduce((sum, file) => sum + textSize(file), 0);
  const engine: TableEngine =
    program === undefined || bytes < WORTH_A_THREAD ? new LocalEngine() : new ThreadEngine(program);
  try {
    return tableOf(engine, await engine.open({ files, nullTokens }));
  } catch (error) {
    await engine.close();
    throw error;
  }
}

function tableOf(engine: TableEngine, { columns, notes }: Awaited<ReturnType<TableEngine['open']>>): Table {
  return {
    columns,
    notes,
    evidence: ({ complete = false } = {}) => engine.evidence({ complete }),
    read: async (plan, { signal, progress, ...options } = {}) => {
      const facts = await engine.read({ plan, options }, { signal, progress });
      return { ...facts, columns: columnsOf(engine, { count: plan.length, signal }) };
    },
    sampleRows: (plan, { signal, ...options } = {}) => engine.sampleRows({ plan, options }, { signal }),
    close: () => engine.close(),
  };
}

/** Each column is made when it is asked for, and what it was made of is free for the next. */
async function* columnsOf(
  engine: TableEngine,
  { count, signal }: { count: number; signal: AbortSignal | undefined },
): AsyncGenerator<ColumnData> {
  for (let index = 0; index < count; index += 1) {
    signal?.throwIfAborted();
    yield await engine.column({ index });
  }
}
