// The safetensors format: 8 bytes little-endian length of the header, the header as JSON, then the tensors' bytes.
import { readFileSync, writeFileSync } from 'node:fs';

const LIMIT = 1024 * 1024;

/** Writes vectors of doubles, e.g. `{ weights: [0.5, ...] }`, with string metadata. The same input gives the same bytes. */
export function writeSafetensors(path, vectors, metadata) {
  const header = { __metadata__: metadata };
  const parts = [];
  let offset = 0;
  for (const [name, values] of Object.entries(vectors)) {
    const bytes = Buffer.alloc(values.length * 8);
    for (const [index, value] of values.entries()) bytes.writeDoubleLE(value, index * 8);
    header[name] = { dtype: 'F64', shape: [values.length], data_offsets: [offset, offset + bytes.length] };
    parts.push(bytes);
    offset += bytes.length;
  }
  const json = JSON.stringify(header);
  // Spaces after the header, so that the tensors start at a multiple of eight.
  const text = Buffer.from(json + ' '.repeat((8 - (Buffer.byteLength(json) % 8)) % 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  writeFileSync(path, Buffer.concat([length, text, ...parts]));
}

/** The vectors of a file written by {@link writeSafetensors}; anything else is refused. */
export function readSafetensors(path) {
  const bytes = readFileSync(path);
  const length = bytes.length < 8 ? LIMIT : Number(bytes.readBigUInt64LE(0));
  if (length >= LIMIT || 8 + length > bytes.length) throw new Error(`${path}: not a safetensors file`);
  const { __metadata__: metadata, ...tensors } = JSON.parse(bytes.toString('utf8', 8, 8 + length));
  const vectors = {};
  for (const [
    name,
    {
      dtype,
      shape,
      data_offsets: [start, end],
    },
  ] of Object.entries(tensors)) {
    if (
      dtype !== 'F64' ||
      shape.length !== 1 ||
      end - start !== shape[0] * 8 ||
      8 + length + end > bytes.length
    ) {
      throw new Error(`${path}: tensor "${name}" is no vector of doubles`);
    }
    vectors[name] = Array.from({ length: shape[0] }, (_, index) =>
      bytes.readDoubleLE(8 + length + start + index * 8),
    );
  }
  return { metadata, vectors };
}
