import type { DuckDBConnection, DuckDBDataChunk, DuckDBValue } from '@duckdb/node-api';
import type { Watch } from '../engine/engine.ts';
import type { InputFile } from '../text/input-file.ts';
import type { Database } from './load-duckdb.ts';
import { explainDuckDb } from './parquet-errors.ts';
import { ChunkReader } from './vectors.ts';

export interface StreamQuery {
  sql: string;
  /** Values for the parameters behind those of the files. */
  values?: readonly DuckDBValue[];
  take(chunk: ChunkReader): void;
}

/** Asks DuckDB about files, which come in statements as their first parameters. */
export class ParquetFiles {
  readonly #files: readonly InputFile[];
  readonly #database: Database;
  /** The rows of all files, columns named `c0`, `c1` ...: no name from a file becomes part of a statement. */
  readonly from: string;

  constructor(files: readonly InputFile[], database: Database, columns: number) {
    this.#files = files;
    this.#database = database;
    const names = Array.from({ length: columns }, (_, place) => `c${place}`);
    this.from = `${parquetOf(files.length)} AS t(${names.join(', ')})`;
  }

  /** A number for the first parameter behind those of the files. */
  get nextParameter(): string {
    return `$${this.#files.length + 1}`;
  }

  /** The first row of a result. */
  async row(sql: string, watch: Watch, values: readonly DuckDBValue[] = []): Promise<readonly DuckDBValue[]> {
    return this.run(watch, async (connection) => {
      const rows = await (await connection.run(sql, this.parameters(values))).getRows();
      return rows[0] ?? [];
    });
  }

  /** Takes a result chunk by chunk, in the order of the rows. */
  async stream({ sql, values = [], take }: StreamQuery, watch: Watch): Promise<void> {
    await this.run(watch, async (connection) => {
      const result = await connection.stream(sql, this.parameters(values));
      let rows = 0;
      for await (const chunk of result) {
        watch.signal?.throwIfAborted();
        const reader = this.reader(chunk);
        take(reader);
        rows += reader.rows;
        watch.progress?.(rows);
      }
    });
  }

  /** Works on a connection of its own, which an abort interrupts. */
  async run<Result>(
    { signal }: Watch,
    work: (connection: DuckDBConnection) => Promise<Result>,
  ): Promise<Result> {
    signal?.throwIfAborted();
    const connection = await this.#database.connect();
    const interrupt = (): void => connection.interrupt();
    signal?.addEventListener('abort', interrupt, { once: true });
    try {
      return await work(connection);
    } catch (error) {
      signal?.throwIfAborted();
      throw explainDuckDb(error, this.#files);
    } finally {
      signal?.removeEventListener('abort', interrupt);
      connection.disconnectSync();
    }
  }

  /** What `from` needs, and then `values`. */
  parameters(values: readonly DuckDBValue[] = []): DuckDBValue[] {
    return [...this.#files.map(({ path }) => path), ...values];
  }

  reader(chunk: DuckDBDataChunk): ChunkReader {
    return new ChunkReader(this.#database.memory, chunk);
  }
}

/**
 * A call that reads the files given as the first `count` parameters, and makes no columns of their paths. Columns are matched by
 * name, and a column gets a type that holds the values of all files; by the types of the first alone 2.5 might become 2.
 */
export function parquetOf(count: number): string {
  const files = Array.from({ length: count }, (_, index) => `$${index + 1}`);
  return `read_parquet([${files.join(', ')}], union_by_name = ${count > 1}, hive_partitioning = false, filename = false)`;
}
