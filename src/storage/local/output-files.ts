import { open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { LocalIoError, type MlopsError } from '../../errors.ts';
import { ioError, writeDurably, writeFully } from '../atomic-write.ts';
import { makeDirectories, placeError } from '../make-directories.ts';
import type { OutputFiles } from '../output-files.ts';

export function createOutputFiles(): OutputFiles {
  return {
    async write(path, text) {
      const bytes = Buffer.from(text);
      try {
        if (await isSpecial(path)) {
          await writeInto(path, bytes);
          return;
        }
        await makeDirectories(dirname(path));
        await writeDurably(path, bytes);
      } catch (error) {
        throw withPlace(error, path);
      }
    },

    async append(path, make) {
      try {
        const handle = await open(path, 'a');
        try {
          const { size } = await handle.stat();
          const text = make(size);
          if (text !== undefined) await writeFully(handle, Buffer.from(text), path);
        } finally {
          await handle.close();
        }
      } catch (error) {
        throw ioError(error, path, 'what it holds is untouched');
      }
    },
  };
}

/** A failure with a hint, as the place is the person's to choose. */
function withPlace(error: unknown, path: string): MlopsError {
  const isBare = error instanceof LocalIoError && error.hint === undefined && error.cause !== undefined;
  return placeError(isBare ? error.cause : error, path);
}

/** A device, a pipe, a socket: replacing it by a file is never what is meant. A directory fails where it is written to. */
async function isSpecial(path: string): Promise<boolean> {
  const stats = await stat(path).catch(() => undefined);
  return stats !== undefined && !stats.isFile() && !stats.isDirectory();
}

async function writeInto(path: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(path, 'w');
  try {
    await handle.writeFile(bytes);
  } finally {
    await handle.close();
  }
}
