import { lstat } from 'node:fs/promises';
import { errnoOf, LocalIoError, RefusedError, UsageError } from '../../errors.ts';
import { inspectContent } from './detect.ts';
import { inspectDirectory } from './directory.ts';
import { toInspection, type Inspection } from './inspection.ts';
import { withFile } from './random-access.ts';

export type { InspectedFormat, Inspection, Signature, TensorSpec } from './inspection.ts';

/**
 * Recognises a model by its content and reads what is cheap to read. Nothing is unpickled, executed or extracted; content that
 * breaks its format's rules gives a warning, never an error. No warning does not mean that a file is harmless.
 *
 * @param source absolute path of a file or directory
 * @throws UsageError `MODEL_SOURCE_MISSING`, RefusedError `MODEL_SOURCE_REFUSED` for a symbolic link or special file,
 *   LocalIoError `MODEL_SOURCE_UNREADABLE`
 */
export async function inspectModel(source: string): Promise<Inspection> {
  const stat = await lstat(source).catch((cause: unknown) => {
    const code = errnoOf(cause);
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new UsageError('MODEL_SOURCE_MISSING', `${source} does not exist`, { cause });
    }
    throw new LocalIoError('MODEL_SOURCE_UNREADABLE', `cannot read ${source}: ${code ?? 'unknown error'}`, {
      cause,
    });
  });
  if (stat.isDirectory()) return toInspection(await inspectDirectory(source));
  if (!stat.isFile()) {
    throw new RefusedError('MODEL_SOURCE_REFUSED', `${source} is neither a regular file nor a directory`, {
      hint: 'pass the path of the model itself instead of a link to it',
    });
  }
  return toInspection(await withFile(source, inspectContent));
}
