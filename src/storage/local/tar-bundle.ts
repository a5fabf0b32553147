import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { link, lstat, open, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { createGzip } from 'node:zlib';
import type { ReadEntry } from 'tar';
import { ConflictError, errnoOf, MlopsError, RefusedError, UsageError } from '../../errors.ts';
import { ioError, renamePatiently, syncDirectory, temporaryName } from '../atomic-write.ts';
import type { BundleEntry, BundleFiles, WrittenBundle } from '../bundle-files.ts';
import { makeDirectories, placeError } from '../make-directories.ts';

/** What a bundle may hold at most; a pack has at most 64 MiB, a manifest at most 1 GiB (docs/format.md). */
const LIMITS = {
  entries: 100_000,
  entryBytes: 1024 * 1024 * 1024,
  totalBytes: 1024 ** 4,
  ratio: 100,
} as const;
const NAME = /^[a-z]{1,32}(\/[0-9a-f]{64}|\.json)$/;
const BLOCK = 512;

/** Entries wait here while earlier ones are stored; beyond this the archive is not read on. */
const MOST_WAITING = 2;

export function createTarBundles(): BundleFiles {
  return { write: writeBundle, read: readBundle };
}

async function writeBundle(
  path: string,
  { force, produce }: Parameters<BundleFiles['write']>[1],
): Promise<WrittenBundle> {
  if (!force && (await exists(path))) throw targetExists(path);
  await makeDirectories(dirname(path));
  const temporary = join(dirname(path), temporaryName());
  try {
    const written = await writeArchive(temporary, produce);
    if (force) await renamePatiently(temporary, path);
    else await link(temporary, path);
    await syncDirectory(dirname(path));
    return written;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') throw targetExists(path);
    throw placeError(error, path);
  } finally {
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}

async function writeArchive(
  path: string,
  produce: (add: (entry: BundleEntry) => Promise<void>) => Promise<void>,
): Promise<WrittenBundle> {
  const { Header } = await import('tar');
  const hash = createHash('sha256');
  // Packs are compressed already where that pays, so the fastest level loses nothing.
  const gzip = createGzip({ level: 1 });
  const file = createWriteStream(path, { flags: 'wx', mode: 0o644 });
  let size = 0;
  gzip.on('data', (chunk: Buffer) => {
    hash.update(chunk);
    size += chunk.length;
  });
  gzip.pipe(file);
  const finished = once(file, 'close');
  // It may fail while `produce` still reads, and nobody waits for it then; `send` and the end do.
  finished.catch(() => undefined);
  const send = async (bytes: Uint8Array): Promise<void> => {
    if (file.destroyed) await finished;
    if (!gzip.write(bytes)) await Promise.race([once(gzip, 'drain'), finished]);
  };
  try {
    await produce(async ({ name, bytes }) => {
      const header = Buffer.alloc(BLOCK);
      // A fixed time and mode: equal versions give equal bundles.
      new Header({ path: name, size: bytes.length, type: 'File', mode: 0o644, mtime: new Date(0) }).encode(
        header,
        0,
      );
      await send(header);
      await send(bytes);
      await send(Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK));
    });
    gzip.end(Buffer.alloc(2 * BLOCK));
    await finished;
  } finally {
    gzip.destroy();
    file.destroy();
  }
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
  return { digest: `sha256:${hash.digest('hex')}`, size };
}

async function readBundle(
  path: string,
  onEntry: (entry: BundleEntry) => Promise<void>,
): Promise<WrittenBundle> {
  await assertRegularFile(path);
  const { Parser } = await import('tar');
  const hash = createHash('sha256');
  const state = {
    size: 0,
    entries: 0,
    total: 0,
    failure: undefined as Error | undefined,
    waiting: [] as Promise<void>[],
  };
  let stored: Promise<void> = Promise.resolve();
  // An entry of an archive that is cut short never ends, so what waits for it has to be told.
  let abandon = (): void => undefined;
  const abandoned = new Promise<void>((resolve) => {
    abandon = resolve;
  });
  const fail = (error: Error): void => {
    state.failure ??= error;
    abandon();
  };
  const parser = new Parser({
    strict: true,
    maxDecompressionRatio: LIMITS.ratio,
    maxMetaEntrySize: 64 * 1024,
    onReadEntry: (entry) => {
      const problem = state.failure === undefined ? refuseEntry(entry, state) : undefined;
      if (problem !== undefined)
        fail(new RefusedError('UNSAFE_BUNDLE', `${path}: ${problem}; nothing was imported`));
      const collected = collect(entry, { wanted: state.failure === undefined, abandoned });
      const earlier = stored;
      const take = async (): Promise<void> => {
        await earlier;
        const bytes = await collected;
        if (state.failure === undefined) await onEntry({ name: entry.path, bytes });
      };
      stored = take();
      stored.catch(fail);
      state.waiting.push(stored.catch(() => undefined));
    },
  });
  parser.on('error', (error: Error) => fail(describeFailure(error, path)));
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
      const bytes = chunk as Buffer;
      hash.update(bytes);
      state.size += bytes.length;
      parser.write(bytes);
      if (state.failure !== undefined) break;
      while (state.waiting.length > MOST_WAITING) await state.waiting.shift();
    }
    if (state.failure === undefined) parser.end();
    await stored.catch(fail);
  } catch (error) {
    throw ioError(error, path);
  }
  if (state.failure !== undefined)
    throw state.failure instanceof MlopsError ? state.failure : ioError(state.failure, path);
  return { digest: `sha256:${hash.digest('hex')}`, size: state.size };
}

function describeFailure(error: Error, path: string): Error {
  if (/decompression ratio/.test(error.message))
    return new RefusedError('UNSAFE_BUNDLE', `${path}: ${error.message}; nothing was imported`);
  return new UsageError('BUNDLE_INVALID', `${path}: ${error.message}`, {
    hint: 'export it again',
    cause: error,
  });
}

function refuseEntry(entry: ReadEntry, state: { entries: number; total: number }): string | undefined {
  state.entries += 1;
  state.total += entry.size;
  if (entry.type !== 'File' && entry.type !== 'OldFile')
    return `holds a ${entry.type}, and only regular files are taken`;
  if (!NAME.test(entry.path))
    return `holds the name ${JSON.stringify(entry.path.slice(0, 200))}, which no bundle has`;
  if (state.entries > LIMITS.entries) return `holds more than ${LIMITS.entries} entries`;
  if (entry.size > LIMITS.entryBytes)
    return `${entry.path} has ${entry.size} bytes; the limit is ${LIMITS.entryBytes}`;
  if (state.total > LIMITS.totalBytes) return `holds more than ${LIMITS.totalBytes} bytes`;
  return undefined;
}

/** The bytes of an entry as they come, or some of them when the archive is given up. */
async function collect(
  entry: ReadEntry,
  { wanted, abandoned }: { wanted: boolean; abandoned: Promise<void> },
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  entry.on('data', (chunk: Buffer) => {
    if (wanted) chunks.push(chunk);
  });
  const ended = new Promise<void>((resolve) => {
    entry.on('end', () => resolve());
  });
  await Promise.race([ended, abandoned]);
  return Buffer.concat(chunks);
}

async function assertRegularFile(path: string): Promise<void> {
  const stats = await lstat(path).catch(() => undefined);
  if (stats?.isFile() === true) return;
  throw new UsageError(
    'SOURCE_MISSING',
    `${basename(path)}: ${stats === undefined ? 'there is no such file' : 'this is no regular file'}`,
    {
      hint: 'give the path of a bundle that `mlops export` wrote',
    },
  );
}

async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}

function targetExists(path: string): ConflictError {
  return new ConflictError('TARGET_EXISTS', `${path} exists already and is untouched`, {
    hint: 'choose another name, or add --force',
    retryable: false,
  });
}
