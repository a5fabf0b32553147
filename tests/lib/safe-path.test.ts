import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RefusedError } from '../../src/errors.ts';
import { assertSafeRelativePath, safeJoin, unsafePathProblem } from '../../src/lib/safe-path.ts';
import { tempDirectory } from '../support/temp-repo.ts';

const refused = (action: () => unknown): RefusedError => {
  try {
    action();
  } catch (error) {
    if (error instanceof RefusedError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
};

describe('assertSafeRelativePath', () => {
  it.each([
    'a',
    'models/fraud/model.json',
    'with space/é/日本.bin',
    '.gitignore',
    '.gitattributes',
    '.github/workflows/ci.yml',
    'git',
    'agit~1',
    'git~x',
    'x..y',
    'a/...b',
    '-rf',
    'a'.repeat(255),
    'é'.repeat(127),
  ])('accepts %j', (path) => {
    expect(unsafePathProblem(path)).toBeUndefined();
  });

  it.each([
    ['', /empty/],
    ['/etc/passwd', /absolute/],
    ['//server/share', /absolute/],
    ['\\\\server\\share', /backslash/],
    ['a\\b', /backslash/],
    ['C:', /drive/],
    ['c:/x', /drive/],
    ['C:x', /drive/],
    ['a\0b', /NUL/],
    ['.', /"\."/],
    ['..', /"\.\."/],
    ['a/../../b', /"\.\."/],
    ['a/./b', /"\."/],
    ['a//b', /empty/],
    ['a/', /empty/],
    ['a/.. /b', /dots and spaces/],
    ['.../b', /dots and spaces/],
    ['a/ /b', /dots and spaces/],
    ['a/\ud800', /Unicode/],
    ['a'.repeat(256), /255/],
    ['é'.repeat(128), /255/],
    [Array.from({ length: 30 }, () => 'a'.repeat(200)).join('/'), /4096/],
  ])('refuses %j', (path, reason) => {
    expect(unsafePathProblem(path)).toMatch(reason);
  });

  it.each([
    '.git',
    '.GIT/config',
    'a/.Git/hooks/pre-commit',
    '.git.',
    '.git ',
    '.git. . ',
    '.git::$INDEX_ALLOCATION/config',
    '.git:stream',
    'git~1',
    'GIT~1/config',
    'x/GiT~12',
    'git~1.',
    '.g\u200cit',
    '\ufeff.git',
    '.gi\u200dt/config',
    '.git\u206a',
  ])('refuses %j, which some file system takes for .git', (path) => {
    expect(unsafePathProblem(path)).toMatch(/\.git/);
  });

  it('fails with exit 4 and shows the path without letting it act on the terminal', () => {
    const error = refused(() => assertSafeRelativePath('../\u001b[31mred'));
    expect(error).toMatchObject({ code: 'UNSAFE_PATH', exitCode: 4 });
    expect(error.message).toContain('../\\x1b[31mred');
  });

  it('shortens a path of megabytes in its message', () => {
    const error = refused(() => assertSafeRelativePath(`/${'x'.repeat(1_000_000)}`));
    expect(error.message.length).toBeLessThan(400);
  });

  it('never lets a path through that resolves outside, on this platform or on Windows', () => {
    const part = fc.constantFrom('..', '.', 'a', 'b', '', ' ', '.. ', 'C:', '.git', 'x.y', '...', 'é');
    const glue = fc.constantFrom('/', '\\', '//');
    const path = fc
      .array(fc.tuple(part, glue), { minLength: 1, maxLength: 6 })
      .map((all) => all.flat().join(''));
    fc.assert(
      fc.property(
        fc.oneof(
          path,
          path.map((text) => text.replace(/[/\\]+$/, '')),
          fc.string(),
        ),
        (text) => {
          if (unsafePathProblem(text) !== undefined) return;
          expect(resolve('/base/dir', text).startsWith('/base/dir/')).toBe(true);
          expect(text.split('/').every((name) => name.replace(/[. ]+$/, '') !== '')).toBe(true);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('safeJoin', () => {
  it('joins a path whose directories do not exist yet', async () => {
    const root = await tempDirectory();
    expect(safeJoin(root, 'a/b/c.json')).toBe(join(root, 'a', 'b', 'c.json'));
  });

  it('joins below existing directories and existing files', async () => {
    const root = await tempDirectory();
    await mkdir(join(root, 'a'));
    await writeFile(join(root, 'a', 'file'), '');
    expect(safeJoin(root, 'a/file')).toBe(join(root, 'a', 'file'));
    expect(safeJoin(root, 'a/file/below')).toBe(join(root, 'a', 'file', 'below'));
  });

  it('refuses a directory that is a link to the outside', async () => {
    const root = await tempDirectory();
    const outside = await tempDirectory();
    await symlink(outside, join(root, 'link'));
    const error = refused(() => safeJoin(root, 'link/file'));
    expect(error).toMatchObject({ code: 'UNSAFE_PATH', exitCode: 4 });
    expect(error.message).toContain(join(root, 'link'));
  });

  it('refuses a link to the inside as well, and a link as the last part, dangling or not', async () => {
    const root = await tempDirectory();
    await mkdir(join(root, 'real'));
    await symlink('real', join(root, 'inside'));
    await symlink('nowhere', join(root, 'dangling'));
    expect(refused(() => safeJoin(root, 'inside/x')).code).toBe('UNSAFE_PATH');
    expect(refused(() => safeJoin(root, 'inside')).code).toBe('UNSAFE_PATH');
    expect(refused(() => safeJoin(root, 'dangling')).code).toBe('UNSAFE_PATH');
  });

  it('allows a root that is itself reached through a link', async () => {
    const base = await tempDirectory();
    await mkdir(join(base, 'real', 'sub'), { recursive: true });
    await symlink('real', join(base, 'alias'));
    expect(safeJoin(join(base, 'alias'), 'sub/x')).toBe(join(base, 'alias', 'sub', 'x'));
  });

  it('fails when the root does not exist', async () => {
    const base = await tempDirectory();
    expect(() => safeJoin(join(base, 'missing'), 'x')).toThrow(/ENOENT/);
  });

  it('never joins to something outside of the root, links or not', async () => {
    const base = await tempDirectory();
    const root = join(base, 'root');
    await mkdir(join(root, 'dir', 'deep'), { recursive: true });
    await mkdir(join(base, 'root-sibling'));
    await symlink('..', join(root, 'up'));
    await symlink(join(base, 'root-sibling'), join(root, 'dir', 'sibling'));
    const name = fc.constantFrom('dir', 'deep', 'up', 'sibling', '..', 'new', '.', 'root', 'root-sibling');
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 5 }), (parts) => {
        let joined: string;
        try {
          joined = safeJoin(root, parts.join('/'));
        } catch (error) {
          expect(error).toBeInstanceOf(RefusedError);
          return;
        }
        expect(joined.startsWith(root + sep)).toBe(true);
        expect(parts[0]).not.toBe('up');
        expect(parts.slice(0, 2)).not.toEqual(['dir', 'sibling']);
      }),
      { numRuns: 500 },
    );
  });
});
