import { createHash } from 'node:crypto';
import { IntegrityError } from '../../errors.ts';
import { printable } from '../../lib/terminal-text.ts';
import type { ManifestFile } from '../manifest.ts';
import type { BlobReader } from './blob-reader.ts';
import { assertNotAborted } from './walk.ts';

/** Blobs being read and hashed ahead of the one that is consumed. */
const READ_AHEAD = 3;

export interface ReadFileOptions {
  reader: BlobReader;
  signal: AbortSignal | undefined;
}

export interface StreamFileOptions extends ReadFileOptions {
  /** Takes the bytes in order. */
  write: (bytes: Uint8Array) => Promise<void> | void;
}

/**
 * Gives the bytes of a stored file in order: each blob proved by its id, the length and the hash of the whole proved at
 * the end, so a consumer MUST NOT publish what it got before this resolves.
 *
 * @throws IntegrityError `OBJECT_MISSING`, `OBJECT_DAMAGED`
 */
export async function streamFile(file: ManifestFile, options: StreamFileOptions): Promise<void> {
  for await (const bytes of readFile(file, options)) await options.write(bytes);
}

/** As {@link streamFile}, for whoever asks for the bytes. */
export async function* readFile(
  file: ManifestFile,
  { reader, signal }: ReadFileOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const ahead: Promise<Uint8Array<ArrayBuffer>>[] = [];
  const start = (id: string | undefined): void => {
    if (id === undefined) return;
    const blob = reader.read(id);
    blob.catch(() => undefined);
    ahead.push(blob);
  };
  for (const id of file.blobs.slice(0, READ_AHEAD)) start(id);
  // The only blob of a file was hashed against the file's own hash.
  const whole = file.blobs.length > 1 ? createHash('sha256') : undefined;
  let size = 0;
  for (let index = 0; index < file.blobs.length; index += 1) {
    assertNotAborted(signal);
    const bytes = await ahead.shift();
    if (bytes === undefined) break;
    start(file.blobs[index + READ_AHEAD]);
    size += bytes.length;
    whole?.update(bytes);
    yield bytes;
  }
  const name = file.path === '' ? 'the file' : printable(file.path);
  if (size !== file.size) {
    throw new IntegrityError(
      'OBJECT_DAMAGED',
      `the blobs of ${name} make ${size} bytes instead of ${file.size}`,
    );
  }
  if (whole !== undefined && whole.digest('hex') !== file.sha256) {
    throw new IntegrityError(
      'OBJECT_DAMAGED',
      `the blobs of ${name} do not make a file with the recorded hash`,
    );
  }
}
