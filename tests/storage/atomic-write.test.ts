import { execFile, execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RefusedError } from '../../src/errors.ts';
import {
  ioError,
  TEMPORARY_NAME,
  temporaryName,
  writeDurably,
  writeFully,
} from '../../src/storage/atomic-write.ts';
import { tempDirectory } from '../support/temp-repo.ts';

const run = promisify(execFile);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
let bundleDirectory: string;
let worker: string;

beforeAll(async () => {
  bundleDirectory = mkdtempSync(join(tmpdir(), 'mlops-write-'));
  worker = join(bundleDirectory, 'worker.mjs');
  const entry = join(dirname(fileURLToPath(import.meta.url)), 'atomic-write.worker.ts');
  await build({ entryPoints: [entry], outfile: worker, bundle: true, platform: 'node', format: 'esm' });
});
afterAll(() => rmSync(bundleDirectory, { recursive: true, force: true }));

const hasStrace = (): boolean => {
  try {
    execFileSync('strace', ['-o', '/dev/null', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

/** Runs the worker under strace with one system call made to fail. */
async function inject(fault: string, args: readonly string[]): Promise<string> {
  const trace = ['-f', '-qq', '-o', '/dev/null', '-e', `inject=${fault}`];
  return (await run('strace', [...trace, process.execPath, worker, ...args])).stdout;
}

describe('writeDurably', () => {
  it('creates and replaces a file and leaves nothing else behind', async () => {
    const directory = await tempDirectory();
    const path = join(directory, 'a.json');
    expect(await writeDurably(path, bytes('one'))).toBe(true);
    expect(await writeDurably(path, bytes(''))).toBe(true);
    expect(readFileSync(path, 'utf8')).toBe('');
    expect(readdirSync(directory)).toEqual(['a.json']);
  });

  it('gives the mode that was asked for', async (ctx) => {
    if (process.platform === 'win32') ctx.skip('there are no modes on Windows');
    const directory = await tempDirectory();
    await writeDurably(join(directory, 'pack'), bytes('x'), { mode: 0o444 });
    expect(statSync(join(directory, 'pack')).mode & 0o777).toBe(0o444);
  });

  it('never replaces when it must not', async () => {
    const directory = await tempDirectory();
    const path = join(directory, 'a.json');
    await writeDurably(path, bytes('first'), { exclusive: true });
    await expect(writeDurably(path, bytes('second'), { exclusive: true })).rejects.toMatchObject({
      code: 'IO_FAILED',
      exitCode: 6,
      message: expect.stringContaining('EEXIST') as string,
    });
    expect(readFileSync(path, 'utf8')).toBe('first');
    expect(readdirSync(directory)).toEqual(['a.json']);
  });

  it('undoes everything when the last check before the name fails', async () => {
    const directory = await tempDirectory();
    const path = join(directory, 'a.json');
    await writeDurably(path, bytes('old'));
    const beforeRename = (): Promise<void> => {
      expect(readdirSync(directory).filter((name) => TEMPORARY_NAME.test(name))).toHaveLength(1);
      return Promise.reject(new RefusedError('LATE', 'no'));
    };
    await expect(writeDurably(path, bytes('new'), { beforeRename })).rejects.toMatchObject({ code: 'LATE' });
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(directory)).toEqual(['a.json']);
  });

  it('names path and errno when the directory is missing or is a file', async () => {
    const directory = await tempDirectory();
    const missing = join(directory, 'no', 'a.json');
    await expect(writeDurably(missing, bytes('x'))).rejects.toMatchObject({ code: 'IO_FAILED', exitCode: 6 });
    await expect(writeDurably(missing, bytes('x'))).rejects.toThrow(`${missing}: ENOENT`);
    mkdirSync(join(directory, 'taken'));
    await expect(writeDurably(join(directory, 'taken'), bytes('x'))).rejects.toMatchObject({ exitCode: 6 });
    expect(readdirSync(directory)).toEqual(['taken']);
  });

  it('keeps the old bytes in a directory that can not be written', async (ctx) => {
    if (process.getuid?.() === 0) ctx.skip('root may write everywhere');
    const directory = await tempDirectory();
    await writeDurably(join(directory, 'a.json'), bytes('old'));
    chmodSync(directory, 0o555);
    await expect(writeDurably(join(directory, 'a.json'), bytes('new'))).rejects.toMatchObject({
      exitCode: 6,
    });
    chmodSync(directory, 0o755);
    expect(readFileSync(join(directory, 'a.json'), 'utf8')).toBe('old');
  });

  it('survives a limit on the size of files (short writes), with the old bytes', async (ctx) => {
    if (process.platform === 'win32') ctx.skip('there is no ulimit on Windows');
    const directory = await tempDirectory();
    const path = join(directory, 'a.json');
    writeFileSync(path, 'old');
    const script = `ulimit -f 64; exec "$0" "$@"`;
    const { stdout } = await run('sh', ['-c', script, process.execPath, worker, path, '1000000']);
    expect(JSON.parse(stdout)).toMatchObject({
      exitCode: 6,
      hint: expect.stringContaining('ulimit -f') as string,
    });
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(directory)).toEqual(['a.json']);
  });

  it.for([
    ['fsync:error=ENOSPC', 'DISK_FULL'],
    ['fsync:error=EIO', 'IO_FAILED'],
    ['rename,renameat,renameat2:error=EROFS', 'IO_FAILED'],
  ] as const)('keeps the old bytes under %s', async ([fault, code], ctx) => {
    if (!hasStrace()) ctx.skip('strace is not installed or not allowed');
    const directory = await tempDirectory();
    const path = join(directory, 'a.json');
    writeFileSync(path, 'old');
    expect(JSON.parse(await inject(fault, [path, '1000']))).toMatchObject({ code, exitCode: 6 });
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(directory)).toEqual(['a.json']);
  });

  it('writes without promising durability where there is no fsync', async (ctx) => {
    if (!hasStrace()) ctx.skip('strace is not installed or not allowed');
    const path = join(await tempDirectory(), 'a.json');
    expect(await inject('fsync:error=EINVAL', [path, '10'])).toBe('written');
    expect(readFileSync(path)).toHaveLength(10);
  });

  it('creates exclusively where there are no links', async (ctx) => {
    if (!hasStrace()) ctx.skip('strace is not installed or not allowed');
    const directory = await tempDirectory();
    const path = join(directory, 'a.json');
    const noLinks = 'link,linkat:error=EPERM';
    expect(await inject(noLinks, [path, '10', 'exclusive'])).toBe('written');
    expect(JSON.parse(await inject(noLinks, [path, '20', 'exclusive']))).toMatchObject({ exitCode: 6 });
    expect(readFileSync(path)).toHaveLength(10);
    expect(readdirSync(directory)).toEqual(['a.json']);
  });
});

describe('writeFully', () => {
  /** A file that takes at most so many bytes at a time. */
  const slow = (limit: number): { handle: FileHandle; taken: number[] } => {
    const taken: number[] = [];
    const write = (from: Uint8Array, offset: number, length: number): Promise<{ bytesWritten: number }> => {
      const bytesWritten = Math.min(limit, length);
      taken.push(...from.subarray(offset, offset + bytesWritten));
      return Promise.resolve({ bytesWritten });
    };
    return { handle: { write } as unknown as FileHandle, taken };
  };

  it('goes on after a short write until every byte is written', async () => {
    const { handle, taken } = slow(3);
    const data = Uint8Array.from({ length: 100 }, (_, index) => index);
    await writeFully(handle, data, 'x');
    expect(Uint8Array.from(taken)).toEqual(data);
  });

  it('takes a write of nothing for an error', async () => {
    await expect(writeFully(slow(0).handle, bytes('x'), 'p')).rejects.toMatchObject({ code: 'WRITE_FAILED' });
  });
});

describe('ioError', () => {
  it('lets our own errors through and says what is safe in all others', () => {
    const own = new RefusedError('X', 'x');
    expect(ioError(own, 'p')).toBe(own);
    const full = Object.assign(new Error('full'), { code: 'ENOSPC' });
    expect(ioError(full, 'dir/p')).toMatchObject({ code: 'DISK_FULL', exitCode: 6, cause: full });
    expect(ioError(full, 'dir/p').message).toBe('dir/p: ENOSPC; what was there before is untouched');
    expect(ioError('odd', 'p').message).toContain('unknown error');
  });

  it('names temporary files so that they are recognised later', () => {
    expect(temporaryName()).toMatch(TEMPORARY_NAME);
    expect(temporaryName()).not.toBe(temporaryName());
  });
});
