import type { DuckDBDataChunk } from '@duckdb/node-api';
import type * as Bindings from '@duckdb/node-bindings';
import { makeBatch, windowOn, type Batch } from '../text/batch.ts';

/** What of DuckDB's bindings gives access to the memory of a result; its own objects take 20 times as long for each value. */
export type VectorMemory = Pick<
  typeof Bindings,
  'data_chunk_get_vector' | 'vector_get_data' | 'vector_get_validity' | 'get_data_from_pointer'
>;

/** Values of one column of a chunk, in DuckDB's memory: valid until the chunk is let go. */
export interface NumberVector {
  values: Float64Array;
  /** One bit a row, 0 for null; undefined if none is null. */
  valid: Uint8Array | undefined;
}

/** Reads columns of a chunk. */
export class ChunkReader {
  readonly #memory: VectorMemory;
  readonly #chunk: DuckDBDataChunk;
  readonly rows: number;

  constructor(memory: VectorMemory, chunk: DuckDBDataChunk) {
    this.#memory = memory;
    this.#chunk = chunk;
    this.rows = chunk.rowCount;
  }

  /** Of a column of type DOUBLE. */
  numbers(column: number): NumberVector {
    const { data, valid } = this.#vector(column, 8);
    return { values: new Float64Array(data.buffer, data.byteOffset, this.rows), valid };
  }

  /** Of a column of type UBIGINT: its 53 highest bits as numbers. */
  hashes(column: number, target: Float64Array): void {
    const { data } = this.#vector(column, 8);
    const words = new Uint32Array(data.buffer, data.byteOffset, 2 * this.rows);
    for (let row = 0; row < this.rows; row += 1) {
      target[row] = (words[2 * row + 1] as number) * 2 ** 21 + ((words[2 * row] as number) >>> 11);
    }
  }

  /** Of a column of type VARCHAR: as a batch of one column, so that its cells are read by the rules for text. */
  texts(column: number): Batch {
    const { rows } = this;
    const { data, valid } = this.#vector(column, 16);
    const entries = new DataView(data.buffer, data.byteOffset, 16 * rows);
    const batch = makeBatch(1, { capacity: rows });
    let length = 0;
    for (let row = 0; row < rows; row += 1) {
      const missing = valid !== undefined && !isValid(valid, row);
      batch.starts[row] = missing ? -1 : length;
      if (!missing) length += entries.getUint32(16 * row, true);
      batch.ends[row] = missing ? -1 : length;
    }
    const bytes = Buffer.allocUnsafe(length);
    for (let row = 0; row < rows; row += 1) {
      const start = batch.starts[row] as number;
      if (start >= 0) this.#copyText(entries, 16 * row, bytes.subarray(start, batch.ends[row]));
    }
    return { ...batch, ...windowOn(bytes), rows };
  }

  /** Up to 12 bytes lie in the entry itself, behind their number; of more it holds the place. */
  #copyText(entries: DataView, at: number, target: Buffer): void {
    const inEntry = target.length <= 12;
    const source = inEntry
      ? new Uint8Array(entries.buffer, entries.byteOffset + at + 4, target.length)
      : this.#memory.get_data_from_pointer(
          entries.buffer as ArrayBuffer,
          entries.byteOffset + at + 8,
          target.length,
        );
    target.set(source);
  }

  #vector(column: number, width: number): { data: Uint8Array; valid: Uint8Array | undefined } {
    const vector = this.#memory.data_chunk_get_vector(this.#chunk.chunk, column);
    const bits: Uint8Array | null = this.#memory.vector_get_validity(vector, 8 * Math.ceil(this.rows / 64));
    return { data: this.#memory.vector_get_data(vector, width * this.rows), valid: bits ?? undefined };
  }
}

export function isValid(bits: Uint8Array, row: number): boolean {
  return (((bits[row >> 3] as number) >> (row & 7)) & 1) === 1;
}
