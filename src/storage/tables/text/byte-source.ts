import { closeSync, openSync, readSync } from 'node:fs';
import { errnoOf, LocalIoError } from '../../../errors.ts';
import { MalformedText } from './batch.ts';
import type { InputFile } from './input-file.ts';
import { unpacked } from './unpacked.ts';

const BLOCK = 1024 * 1024;

/** Where the bytes of a file's text come from, decompressed and as UTF-8. */
export interface ByteSource {
  /**
   * Puts more bytes into `target` from `at` on.
   *
   * @returns how many; 0 if there are no more
   * @throws MalformedText if the compressed data are damaged or cut off, or not in the encoding; LocalIoError
   */
  read(target: Buffer, at: number): Promise<number> | number;
  close(): void;
}

export function openSource(file: InputFile): ByteSource {
  if (file.compression === 'none' && file.encoding === 'utf-8') return openFile(file);
  return pullFrom(transcoded(decompressed(file), file));
}

function openFile({ path, shown }: InputFile): ByteSource {
  try {
    const descriptor = openSync(path, 'r');
    return {
      // Called in a thread of its own where the file is large, and the system has most files in memory.
      read: (target, at) => readSync(descriptor, target, at, target.length - at, null),
      close: () => closeSync(descriptor),
    };
  } catch (error) {
    throw new LocalIoError('TABLE_UNREADABLE', `${shown} can't be read: ${errnoOf(error) ?? String(error)}`, {
      cause: error,
    });
  }
}

function pullFrom(blocks: AsyncGenerator<Buffer>): ByteSource {
  let block: Buffer = Buffer.alloc(0);
  return {
    read: async (target, at) => {
      while (block.length === 0) {
        const next = await blocks.next();
        if (next.done === true) return 0;
        block = next.value;
      }
      const copied = block.copy(target, at);
      block = block.subarray(copied);
      return copied;
    },
    close: () => {
      // It ends what it waits for, and nobody waits for that.
      blocks.return(undefined).catch(() => undefined);
    },
  };
}

async function* transcoded(blocks: AsyncIterable<Buffer>, { encoding }: InputFile): AsyncGenerator<Buffer> {
  if (encoding === 'utf-8') {
    yield* blocks;
    return;
  }
  const decoder = new TextDecoder(encoding, { fatal: true });
  let length = 0;
  const decode = (block?: Buffer): Buffer => {
    try {
      return Buffer.from(decoder.decode(block, { stream: block !== undefined }));
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      throw new MalformedText(
        length,
        `bytes that are not ${encoding.toUpperCase()} here or in the next lines`,
      );
    }
  };
  for await (const block of blocks) {
    const text = decode(block);
    length += text.length;
    yield text;
  }
  yield decode();
}

async function* decompressed(file: InputFile): AsyncGenerator<Buffer> {
  const source = openFile(file);
  try {
    yield* unpacked(fileBlocks(source), file.compression);
  } finally {
    source.close();
  }
}

async function* fileBlocks(source: ByteSource): AsyncGenerator<Buffer> {
  for (;;) {
    const block = Buffer.allocUnsafeSlow(BLOCK);
    const length = await source.read(block, 0);
    if (length === 0) return;
    yield block.subarray(0, length);
  }
}
