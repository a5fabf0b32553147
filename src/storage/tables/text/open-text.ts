import type { ColumnData, OpenTableOptions, Table } from '../table.ts';
import { textSize, type InputFile } from './input-file.ts';
import { LocalTextEngine, type TextEngine } from './text-engine.ts';
import { ThreadTextEngine, threadProgram } from './thread-engine.ts';

/** Fewer bytes are read in the time that a thread takes to start. */
const WORTH_A_THREAD = 4 * 1024 * 1024;

export interface OpenTextOptions extends OpenTableOptions {
  /** Path of the program of a thread that reads large tables; undefined to read on this one. */
  program?: string | undefined;
}

/** @throws UsageError for malformed heads, and files that do not fit together */
export async function openText(
  files: readonly InputFile[],
  { nullTokens, program = threadProgram() }: OpenTextOptions,
): Promise<Table> {
  const bytes = files.reduce((sum, file) => sum + textSize(file), 0);
  const engine: TextEngine =
    program === undefined || bytes < WORTH_A_THREAD ? new LocalTextEngine() : new ThreadTextEngine(program);
  try {
    return tableOf(engine, await engine.open({ files, nullTokens }));
  } catch (error) {
    await engine.close();
    throw error;
  }
}

function tableOf(engine: TextEngine, { columns, notes }: Awaited<ReturnType<TextEngine['open']>>): Table {
  return {
    columns,
    notes,
    evidence: ({ complete = false } = {}) => engine.evidence({ complete }),
    read: async (plan, { signal, progress, ...options } = {}) => {
      const facts = await engine.read({ plan, options }, { signal, progress });
      return { ...facts, columns: columnsOf(engine, plan.length) };
    },
    sampleRows: (plan, { signal, ...options } = {}) => engine.sampleRows({ plan, options }, { signal }),
    close: () => engine.close(),
  };
}

/** Each column is made when it is asked for, and what it was made of is free for the next. */
async function* columnsOf(engine: TextEngine, count: number): AsyncGenerator<ColumnData> {
  for (let index = 0; index < count; index += 1) yield await engine.column({ index });
}
