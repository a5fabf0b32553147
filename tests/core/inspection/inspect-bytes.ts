import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { inspectModel, type Inspection } from '../../../src/core/inspection/index.ts';

/** Runs `use` with a fresh directory and removes it. */
export async function withDirectory<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'mlops-inspection-'));
  try {
    return await use(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** The inspection of a real file with these bytes and a name that tells nothing. */
export async function inspectBytes(bytes: Uint8Array | string, name = 'model.bin'): Promise<Inspection> {
  return withDirectory(async (directory) => {
    await writeFile(join(directory, name), bytes);
    return inspectModel(join(directory, name));
  });
}

/** The inspection of a real directory with these files. */
export async function inspectFiles(
  files: Readonly<Record<string, Uint8Array | string>>,
): Promise<Inspection> {
  return withDirectory(async (directory) => {
    for (const [name, bytes] of Object.entries(files)) {
      await mkdir(dirname(join(directory, name)), { recursive: true });
      await writeFile(join(directory, name), bytes);
    }
    return inspectModel(directory);
  });
}
