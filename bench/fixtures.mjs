import { createCipheriv, createHash } from 'node:crypto';
import { closeSync, copyFileSync, openSync, mkdirSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';

const PIECE = 4 * 2 ** 20;
const FILES_A_DIRECTORY = 1000;

/**
 * Bytes that no one can compress, the same in every run: AES-128-CTR of zeros.
 * @returns a function that gives the next `length` bytes
 */
export function randomBytes(seed) {
  const key = createHash('sha256').update(`mlops bench ${seed}`).digest().subarray(0, 16);
  const stream = createCipheriv('aes-128-ctr', key, Buffer.alloc(16));
  return (length) => stream.update(Buffer.alloc(length));
}

/** Numbers from 0 up to 1, the same in every run (mulberry32). */
export function randomNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One file of `size` random bytes. */
export async function writeRandomFile(path, { size, seed, signal }) {
  const next = randomBytes(seed);
  const file = openSync(path, 'wx');
  try {
    for (let at = 0; at < size; at += PIECE) {
      signal.throwIfAborted();
      writeFully(file, next(Math.min(PIECE, size - at)));
      await breathe();
    }
  } finally {
    closeSync(file);
  }
}

/**
 * A copy with one hundredth changed in one place, at three eighths of the file: overwritten, or inserted there so that
 * everything behind it moves.
 */
export async function writeEditedFile(source, path, { size, edit, signal }) {
  const start = Math.floor(size * 0.375);
  const change = randomBytes(edit)(Math.max(1, Math.round(size / 100)));
  if (edit === 'overwritten') {
    copyFileSync(source, path);
    const file = openSync(path, 'r+');
    writeSync(file, change, 0, change.length, start);
    closeSync(file);
    return;
  }
  const from = openSync(source, 'r');
  const to = openSync(path, 'wx');
  try {
    await copyRange(from, to, { start: 0, end: start, signal });
    writeFully(to, change);
    await copyRange(from, to, { start, end: size, signal });
  } finally {
    closeSync(from);
    closeSync(to);
  }
}

/**
 * `count` files of 1,000 to 10,000 bytes, evenly spread, a thousand a directory.
 * @param content `random`, or `text`: half JSON, half CSV
 */
export async function writeTree(directory, { count, content, signal }) {
  const number = randomNumbers(content === 'text' ? 2 : 1);
  const bytes = randomBytes(content);
  let total = 0;
  for (let index = 0; index < count; index += 1) {
    if (index % FILES_A_DIRECTORY === 0) {
      signal.throwIfAborted();
      await breathe();
      mkdirSync(join(directory, folderOf(index)), { recursive: true });
    }
    const size = 1000 + Math.floor(number() * 9001);
    const [extension, data] = content === 'random' ? ['bin', bytes(size)] : textFile(index, size, number);
    writeFileSync(
      join(directory, folderOf(index), `sample-${String(index).padStart(6, '0')}.${extension}`),
      data,
    );
    total += size;
  }
  return total;
}

function folderOf(index) {
  return `part-${String(Math.floor(index / FILES_A_DIRECTORY)).padStart(4, '0')}`;
}

/** Labelled measurements as data sets have them: short words, numbers of a few digits. Cut to the size, as logs are. */
function textFile(index, size, number) {
  const isJson = index % 2 === 0;
  const lines = isJson ? [] : ['id,amount,age,country,label'];
  let length = 0;
  while (length < size) {
    const fields = {
      id: Math.floor(number() * 1e7),
      amount: Math.round(number() * 1e5) / 100,
      age: 18 + Math.floor(number() * 60),
      country: ['AT', 'BR', 'CH', 'DE', 'FR', 'IN', 'JP', 'US'][Math.floor(number() * 8)],
      label: number() < 0.1 ? 1 : 0,
    };
    const line = isJson ? JSON.stringify(fields) : Object.values(fields).join(',');
    lines.push(line);
    length += line.length + 1;
  }
  return [
    isJson ? 'jsonl' : 'csv',
    lines
      .join('\n')
      .slice(0, size - 1)
      .padEnd(size - 1) + '\n',
  ];
}

async function copyRange(from, to, { start, end, signal }) {
  const buffer = Buffer.alloc(PIECE);
  for (let at = start; at < end;) {
    signal.throwIfAborted();
    const read = readSync(from, buffer, 0, Math.min(PIECE, end - at), at);
    if (read === 0) throw new Error('the source became shorter');
    writeFully(to, buffer.subarray(0, read));
    at += read;
    await breathe();
  }
}

function writeFully(file, bytes) {
  for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done);
}
