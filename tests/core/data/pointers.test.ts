import { mkdir, realpath, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addData } from '../../../src/core/data/add.ts';
import { pathInRepository, isWithin } from '../../../src/core/data/place.ts';
import { encodePointer, parsePointer, trackablePathProblem } from '../../../src/core/data/pointer.ts';
import { listPointers, loadPointers } from '../../../src/core/data/pointers.ts';
import { removeData } from '../../../src/core/data/remove.ts';
import { verifyData } from '../../../src/core/data/verify.ts';
import { pointerPath } from '../../../src/core/repository/layout.ts';
import { loadRepositoryLog } from '../../../src/core/audit/index.ts';
import { MlopsError } from '../../../src/errors.ts';
import { documentsOf, memoryRepository, type MemoryRepository } from '../../support/memory-repository.ts';
import { tempDirectory } from '../../support/temp-repo.ts';

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;

function pointerText(changes: Record<string, unknown> = {}): string {
  const document = { digest: DIGEST, files: 1, kind: 'file', path: 'a', schema: 'mlops.data/1', size: 3 };
  const entries = Object.entries({ ...document, ...changes }).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `${JSON.stringify(Object.fromEntries(entries), null, 2)}\n`;
}

function failureOf(action: () => unknown): MlopsError | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    if (error instanceof MlopsError) return error;
    throw error;
  }
}

/** Tracks a file with this content. */
async function track(repository: MemoryRepository, path: string, content: string): Promise<string> {
  await repository.source(path, content);
  const { added } = await addData(repository, { paths: [path] });
  return added[0]?.pointer.digest ?? '';
}

describe('a pointer', () => {
  test('says what was written, and keeps members that this program does not know', () => {
    const pointer = { path: 'data/ü x.csv', digest: DIGEST, kind: 'directory', size: 0, files: 7 } as const;
    expect(parsePointer(encodePointer(pointer), 'data/data/ü x.csv.json')).toEqual(pointer);
    const newer = Buffer.from(pointerText({ compression: 'none' }));
    expect(parsePointer(newer, 'data/a.json')).toMatchObject({ path: 'a', digest: DIGEST });
  });

  test.each([
    [{ digest: 'sha256:12' }],
    [{ kind: 'link' }],
    [{ size: -1 }],
    [{ size: 1.5 }],
    [{ files: 0 }],
    [{ path: 5 }],
    [{ schema: 'mlops.stage/1' }],
  ])('with %j is damaged', (changes) => {
    const bytes = Buffer.from(pointerText(changes));
    expect(failureOf(() => parsePointer(bytes, 'data/a.json'))?.code).toBe('DOCUMENT_INVALID');
  });

  test('that is not canonical, or of a newer form, is refused', () => {
    const loose = Buffer.from(pointerText().replaceAll('\n', '\r\n'));
    expect(failureOf(() => parsePointer(loose, 'data/a.json'))?.exitCode).toBe(3);
    const newer = Buffer.from(pointerText({ schema: 'mlops.data/2' }));
    expect(failureOf(() => parsePointer(newer, 'data/a.json'))?.code).toBe('FORMAT_UNSUPPORTED');
  });

  test('never names a path outside, in .git or in .mlops, however it is spelled', () => {
    const Part = fc.oneof(
      fc.constantFrom(
        '..',
        '.',
        '',
        '.git',
        '.GIT',
        'git~1',
        '.mlops',
        '.MLops',
        'mlops~1',
        '.mlops.',
        '.ml\u200cops',
      ),
      fc.string({ maxLength: 5 }),
    );
    fc.assert(
      fc.property(fc.array(Part, { minLength: 1, maxLength: 4 }), (parts) => {
        const path = parts.join('/');
        const problem = trackablePathProblem(path);
        const bad = parts.some((part) =>
          /^(?:|\.+|\.git|git~1|\.mlops|mlops~1|\.mlops\.|\.ml\u200cops)$/i.test(part),
        );
        if (bad) expect(problem).toBeDefined();
        if (problem === undefined) {
          const root = '/somewhere/repo';
          expect(isWithin(join(root, path), root)).toBe(true);
        } else {
          const bytes = Buffer.from(pointerText({ path }));
          expect(failureOf(() => parsePointer(bytes, pointerPath(path)))?.exitCode).toBeGreaterThanOrEqual(3);
        }
      }),
    );
  });
});

describe('the pointers of a repository', () => {
  test('are found at any depth, sorted, with every problem beside them', async () => {
    const repository = await memoryRepository();
    await track(repository, 'b/c.csv', 'c');
    await track(repository, 'a.csv', 'a');
    await repository.documents.write('data/x.json', Buffer.from('{"schema": "mlops.data/1"}\n'));
    const { pointers, problems } = await loadPointers(repository.documents);
    expect(pointers.map(({ path }) => path)).toEqual(['a.csv', 'b/c.csv']);
    expect(problems.map(({ path, file }) => [path, file])).toEqual([['x', '.mlops/data/x.json']]);
    await expect(listPointers(repository)).rejects.toMatchObject({ code: 'DOCUMENT_INVALID' });
  });

  test('that differ in letter case only are told of, both of them', async () => {
    const repository = await memoryRepository();
    const digest = await track(repository, 'data/a.csv', 'a');
    const other = { path: 'Data/a.csv', digest, kind: 'file', size: 1, files: 1 } as const;
    await repository.documents.write(pointerPath(other.path), encodePointer(other));
    const { pointers, problems } = await loadPointers(repository.documents);
    expect(pointers).toEqual([]);
    expect(problems.map(({ path, error }) => [path, error.code])).toEqual([
      ['Data/a.csv', 'POINTER_NESTED'],
      ['data/a.csv', 'POINTER_NESTED'],
    ]);
  });
});

describe('verify of tracked data', () => {
  const check = async (repository: MemoryRepository): Promise<{ damage: string[]; notices: string[] }> => {
    const { damage, notices } = await verifyData(repository, { metadataOnly: false });
    return { damage: damage.map(({ problem }) => problem), notices: [...notices] };
  };

  test('finds nothing after add, change, remove and add again', async () => {
    const repository = await memoryRepository();
    await track(repository, 'a.csv', '1');
    await track(repository, 'a.csv', '22');
    await removeData(repository, { path: 'a.csv', reason: 'not used' });
    await track(repository, 'a.csv', '1');
    expect(await check(repository)).toEqual({ damage: [], notices: [] });
    const log = await loadRepositoryLog(repository.documents);
    expect(log.newestFirst.map(({ type }) => type)).toEqual(['tracked', 'untracked', 'tracked', 'tracked']);
    expect(log.newestFirst[1]).toMatchObject({ reason: 'not used' });
    expect(log.heads).toHaveLength(1);
  });

  test('finds a pointer that was edited: another digest, another size', async () => {
    const repository = await memoryRepository();
    const digest = await track(repository, 'a.csv', '1');
    const place = pointerPath('a.csv');
    const pointer = { path: 'a.csv', digest, kind: 'file', size: 1, files: 1 } as const;
    await repository.documents.write(place, encodePointer({ ...pointer, size: 2 }));
    expect((await check(repository)).damage).toEqual([
      'says another kind, size or number of files than the artifact has',
    ]);
    await repository.documents.write(place, encodePointer({ ...pointer, digest: DIGEST }));
    expect((await check(repository)).damage).toEqual([
      'names bytes that no event says were ever tracked here, so it was changed by hand',
    ]);
  });

  test('tells of an older pointer that was put back, and of one that is gone, as no damage', async () => {
    const repository = await memoryRepository();
    await track(repository, 'a.csv', '1');
    const old = await repository.documents.read(pointerPath('a.csv'));
    await track(repository, 'a.csv', '22');
    await repository.documents.write(pointerPath('a.csv'), old ?? new Uint8Array());
    const put = await check(repository);
    expect(put.damage).toEqual([]);
    expect(put.notices[0]).toContain('points to an earlier state than its last event says');
    await repository.documents.remove(pointerPath('a.csv'));
    const gone = await check(repository);
    expect(gone.damage).toEqual([]);
    expect(gone.notices[0]).toContain('has no pointer');
    await track(repository, 'a.csv', '1');
    expect(await check(repository)).toEqual({ damage: [], notices: [] });
  });

  test('finds events that were edited, renamed or taken away', async () => {
    const repository = await memoryRepository();
    await track(repository, 'a.csv', '1');
    await track(repository, 'a.csv', '22');
    const events = [...(await documentsOf(repository.plain, 'events'))];
    const [[name, bytes] = ['', new Uint8Array()]] = events;
    await repository.documents.write(
      name,
      Buffer.from(Buffer.from(bytes).toString().replace('Test User', 'Mallory')),
    );
    expect((await check(repository)).damage.join()).toMatch(/changed after it was written/);
    await repository.documents.remove(name);
    expect((await check(repository)).damage.join()).toMatch(/is missing; tracked of/);
    await repository.documents.write(name, bytes);
    expect((await check(repository)).damage).toEqual([]);
  });

  test('keeps events of a type that it does not know in the graph', async () => {
    const repository = await memoryRepository();
    await track(repository, 'a.csv', '1');
    const log = await loadRepositoryLog(repository.documents);
    expect(log.damaged).toEqual([]);
    const { encodeRepositoryEvent } = await import('../../../src/core/audit/index.ts');
    const { path, bytes } = encodeRepositoryEvent({
      schema: 'mlops.event/1',
      type: 'policy-changed',
      subject: { policy: 'gates' },
      actor: 'Ada <ada@example.org>',
      time: '2026-01-01T00:00:01.000Z',
      evidence: [],
      parents: [...log.heads],
      tool: 'mlops/9',
    });
    await repository.documents.write(path, bytes);
    await track(repository, 'a.csv', '22');
    const later = await loadRepositoryLog(repository.documents);
    expect(later.newestFirst.map(({ type }) => type)).toEqual(['tracked', 'policy-changed', 'tracked']);
    expect(await check(repository)).toEqual({ damage: [], notices: [] });
  });
});

test('a typed path means the same whatever link the person came through', async () => {
  const base = await realpath(await tempDirectory());
  const root = join(base, 'repo');
  await mkdir(join(root, 'data'), { recursive: true });
  await symlink(root, join(base, 'link'));
  await symlink(join(root, 'data'), join(root, 'short'));
  expect(pathInRepository(root, join(root, 'data/x'))).toBe('data/x');
  expect(pathInRepository(root, join(base, 'link/data/not/there'))).toBe('data/not/there');
  expect(pathInRepository(root, join(root, 'short/x'))).toBe('data/x');
  expect(pathInRepository(root, root)).toBe('');
  expect(pathInRepository(root, join(base, 'link'))).toBe('');
  expect(pathInRepository(root, join(root, '..data'))).toBe('..data');
  for (const outside of [base, join(base, 'repo2'), '/', join(root, '../x')]) {
    expect(failureOf(() => pathInRepository(root, outside))?.exitCode).toBe(4);
  }
});
