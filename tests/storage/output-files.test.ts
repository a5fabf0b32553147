import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { createOutputFiles } from '../../src/storage/local/output-files.ts';
import { tempDirectory } from '../support/temp-repo.ts';

const files = createOutputFiles();

describe('writing an output file', () => {
  test('makes the directories it lacks, replaces what was there and leaves nothing else behind', async () => {
    const directory = join(await tempDirectory(), 'a', 'b');
    await files.write(join(directory, 'report.html'), 'one');
    await files.write(join(directory, 'report.html'), 'two €');
    expect(await readFile(join(directory, 'report.html'), 'utf8')).toBe('two €');
    expect(await readdir(directory)).toEqual(['report.html']);
  });

  test('gives a new inode by a rename, so that whoever reads sees one of the two files whole', async () => {
    const path = join(await tempDirectory(), 'mlops.prom');
    await files.write(path, 'one\n');
    const before = await stat(path);
    await files.write(path, 'two\n');
    expect((await stat(path)).ino).not.toBe(before.ino);
    expect((await stat(path)).mode & 0o444).toBe(0o444);
  });

  test('writes into a pipe instead of replacing it', async (context) => {
    if (process.platform === 'win32') context.skip('no named pipes');
    const path = join(await tempDirectory(), 'pipe');
    await promisify(execFile)('mkfifo', [path]);
    const reader = createReadStream(path, 'utf8');
    const chunks: string[] = [];
    reader.on('data', (chunk) => void chunks.push(String(chunk)));
    await files.write(path, 'through the pipe');
    await once(reader, 'end');
    expect(chunks.join('')).toBe('through the pipe');
    expect((await stat(path)).isFIFO()).toBe(true);
  });

  test('to a place that is a directory, or below a file, is an error that names another place', async () => {
    const directory = await tempDirectory();
    await mkdir(join(directory, 'taken'));
    await writeFile(join(directory, 'file'), '');
    for (const path of [join(directory, 'taken'), join(directory, 'file', 'x')]) {
      await expect(files.write(path, 'x')).rejects.toMatchObject({ exitCode: 6, hint: expect.any(String) });
    }
    expect(await readdir(directory)).toEqual(['file', 'taken']);
  });
});

describe('adding to a file', () => {
  test('tells how large it is, and adds nothing where nothing is to be added', async () => {
    const path = join(await tempDirectory(), 'log');
    const sizes: number[] = [];
    const add = (text: string | undefined) => (size: number) => {
      sizes.push(size);
      return text;
    };
    await files.append(path, add('one\n'));
    await files.append(path, add(undefined));
    await files.append(path, add('two\n'));
    expect(await readFile(path, 'utf8')).toBe('one\ntwo\n');
    expect(sizes).toEqual([0, 4, 4]);
  });

  test('follows a link, as the file of a runner may be one, and makes no directory', async () => {
    const directory = await tempDirectory();
    await writeFile(join(directory, 'real'), 'a');
    await symlink(join(directory, 'real'), join(directory, 'link'));
    await files.append(join(directory, 'link'), () => 'b');
    expect(await readFile(join(directory, 'real'), 'utf8')).toBe('ab');
    await expect(files.append(join(directory, 'no', 'log'), () => 'x')).rejects.toMatchObject({
      exitCode: 6,
    });
    expect((await readdir(directory)).toSorted()).toEqual(['link', 'real']);
  });

  test('to a read-only file changes nothing', async (context) => {
    if (process.getuid?.() === 0) context.skip('root may write anything');
    const path = join(await tempDirectory(), 'log');
    await writeFile(path, 'kept');
    await chmod(path, 0o444);
    await expect(files.append(path, () => 'x')).rejects.toMatchObject({ exitCode: 6 });
    expect(await readFile(path, 'utf8')).toBe('kept');
  });
});
