import { open } from 'node:fs/promises';
import { extname } from 'node:path';
import { errnoOf, LocalIoError, UsageError } from '../../errors.ts';
import type { FoundFile } from './find-files.ts';
import { MalformedText } from './text/batch.ts';
import { unpacked } from './text/unpacked.ts';
import type { Compression, Encoding, Format, InputFile } from './text/input-file.ts';

const HEAD = 64 * 1024;
const PARQUET = Buffer.from('PAR1');
const GZIP = Buffer.from([0x1f, 0x8b]);
const ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

/** Content that begins so is something else, whatever the file is called. */
const OTHERS: readonly (readonly [start: Buffer, name: string, hint: string])[] = [
  [Buffer.from('PK\x03\x04'), 'a ZIP archive or an Excel workbook', 'unpack it, or save the sheet as CSV'],
  [Buffer.from('ARROW1\0\0'), 'an Arrow (Feather) file', 'write it as Parquet'],
  [Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]), 'a NumPy array', 'write it as CSV or Parquet'],
  [Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a]), 'compressed by xz', 'decompress it, or compress it by gzip'],
  [Buffer.from('SQLite format 3'), 'an SQLite database', 'export the table as CSV'],
  [Buffer.from([0x89, 0x48, 0x44, 0x46]), 'an HDF5 file', 'write it as Parquet'],
];

/**
 * What kind of file it is, by its content first.
 *
 * @throws UsageError for empty files, and content that is no table this program reads; LocalIoError
 */
export async function detectFormat(file: FoundFile): Promise<InputFile> {
  if (file.size === 0)
    throw new UsageError('TABLE_EMPTY', `${file.shown} is empty`, {
      hint: 'a table needs a header at least',
    });
  const raw = await readHead(file);
  const compression: Compression = startsWith(raw, GZIP) ? 'gzip' : startsWith(raw, ZSTD) ? 'zstd' : 'none';
  if (startsWith(raw, PARQUET)) return describe(file, { format: 'parquet', compression, encoding: 'utf-8' });
  const head = compression === 'none' ? raw : await unpackHead(raw, compression);
  if (/^BZh[1-9]1AY&SY/.test(head.toString('latin1', 0, 10))) {
    throw unknownFormat(file, 'compressed by bzip2', 'decompress it, or compress it by gzip');
  }
  const other = OTHERS.find(([start]) => startsWith(head, start));
  if (other !== undefined) throw unknownFormat(file, other[1], other[2]);
  const encoding = encodingOf(file, head);
  return describe(file, { format: formatOf(file, head, encoding), compression, encoding });
}

function unknownFormat({ shown }: FoundFile, what: string, hint: string): UsageError {
  return new UsageError('TABLE_FORMAT_UNKNOWN', `${shown} is ${what}`, { hint });
}

function describe(
  { shown, path, size }: FoundFile,
  kind: { format: Format; compression: Compression; encoding: Encoding },
): InputFile {
  return { shown, path, size, ...kind };
}

function startsWith(bytes: Buffer, start: Buffer): boolean {
  return bytes.subarray(0, start.length).equals(start);
}

async function readHead(file: FoundFile): Promise<Buffer> {
  try {
    const handle = await open(file.path);
    try {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(HEAD), 0, HEAD, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (error) {
    const code = errnoOf(error) ?? String(error);
    throw new LocalIoError('TABLE_UNREADABLE', `${file.shown} can't be read: ${code}`, { cause: error });
  }
}

/** As much as the first compressed bytes hold; what is damaged shows when the file is read. */
async function unpackHead(raw: Buffer, compression: Compression): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let length = 0;
  try {
    for await (const piece of unpacked(oneBlock(raw), compression)) {
      pieces.push(piece);
      length += piece.length;
      if (length >= HEAD) break;
    }
  } catch (error) {
    if (!(error instanceof MalformedText)) throw error;
  }
  return Buffer.concat(pieces).subarray(0, HEAD);
}

async function* oneBlock(block: Buffer): AsyncGenerator<Buffer> {
  yield await Promise.resolve(block);
}

function encodingOf(file: FoundFile, head: Buffer): Encoding {
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le';
  if (head[0] === 0xfe && head[1] === 0xff) return 'utf-16be';
  // Every second byte of English in UTF-16 is NUL.
  const sample = head.subarray(0, 1024);
  const nuls = sample.reduce((count, byte) => count + (byte === 0 ? 1 : 0), 0);
  if (nuls * 4 < sample.length || nuls === 0) return 'utf-8';
  const name = sample[0] === 0 ? 'UTF-16BE' : 'UTF-16LE';
  throw new UsageError(
    'TABLE_NOT_UTF8',
    `${file.shown}: line 1, column 1: not UTF-8; it looks like ${name} without a byte order mark`,
    {
      hint: `convert it: iconv -f ${name} -t UTF-8`,
    },
  );
}

function formatOf({ shown }: FoundFile, head: Buffer, encoding: Encoding): Format {
  const text =
    encoding === 'utf-8'
      ? head.toString('utf8', 0, 4096)
      : new TextDecoder(encoding).decode(head.subarray(0, 4096));
  const first = text.replace(/^\uFEFF/, '').trimStart();
  if (/^(?:\{\s*["}]|\[\s*(?:\{|\]\s*$))/.test(first)) return 'json';
  const extension = extname(shown.replace(/\.(?:gz|zst)$/i, '')).toLowerCase();
  return ['.jsonl', '.ndjson', '.json'].includes(extension) ? 'json' : 'delimited';
}
