import type { DuckDBConnection } from '@duckdb/node-api';
import { availableParallelism, totalmem } from 'node:os';
import { ExitCode, MlopsError } from '../../../errors.ts';
import type { VectorMemory } from './vectors.ts';

const MIB = 2 ** 20;
/** What DuckDB may use of the memory; more goes through its temporary directory. */
const MEMORY_MIB = 512;
const MOST_THREADS = 4;

export interface DatabaseOptions {
  /** Absolute paths: the only files that it may read. */
  files: readonly string[];
  /** A directory of this process alone. */
  temporary: string;
}

export interface Database {
  connect(): Promise<DuckDBConnection>;
  /** Where the values of its results lie. */
  memory: VectorMemory;
  close(): void;
}

/**
 * A DuckDB in memory that reads the named files and nothing else: no network, no extensions, no settings from elsewhere.
 *
 * @throws MlopsError `MISSING_DEPENDENCY` where the optional packages are not installed
 */
export async function openDatabase({ files, temporary }: DatabaseOptions): Promise<Database> {
  const { DuckDBInstance, memory } = await loadDuckDb();
  const limit = Math.max(128, Math.min(MEMORY_MIB, Math.floor(totalmem() / MIB / 4)));
  const instance = await DuckDBInstance.create(':memory:', {
    threads: String(Math.max(1, Math.min(MOST_THREADS, availableParallelism()))),
    memory_limit: `${limit}MiB`,
    temp_directory: temporary,
    extension_directory: temporary,
    secret_directory: temporary,
    home_directory: temporary,
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
    allow_unsigned_extensions: 'false',
    allow_persistent_secrets: 'false',
  });
  const connection = await instance.connect();
  try {
    await connection.run("SET TimeZone = 'UTC'");
    await connection.run(`SET allowed_paths = [${files.map(literal).join(', ')}]`);
    await connection.run('SET enable_external_access = false');
    await connection.run('SET lock_configuration = true');
  } finally {
    connection.disconnectSync();
  }
  return { connect: () => instance.connect(), memory, close: () => instance.closeSync() };
}

async function loadDuckDb() {
  try {
    const [{ DuckDBInstance }, { default: memory }] = await Promise.all([
      import('@duckdb/node-api'),
      import('@duckdb/node-bindings'),
    ]);
    return { DuckDBInstance, memory };
  } catch (cause) {
    throw new MlopsError(
      'MISSING_DEPENDENCY',
      ExitCode.usage,
      'Parquet files are read by DuckDB, which is not installed here',
      { hint: 'install mlops without --omit=optional, or write the table as CSV', cause },
    );
  }
}

/** A text as SQL has it: the one place where something from outside becomes part of a statement. */
function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
