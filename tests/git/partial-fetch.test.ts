import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { MlopsError } from '../../src/errors.ts';
import { fetchCommit } from '../../src/git/partial-fetch.ts';
import { shellWords } from '../support/shell-words.ts';
import { tempDirectory, tempGitRepo, type TempGitRepo } from '../support/temp-repo.ts';

const lines = (text: string): string[] => text.split('\n');

async function scratchDirectory(): Promise<string> {
  const base = await tempDirectory();
  const scratch = await mkdtemp(join(base, 'scratch-'));
  onTestFinished(() => rm(scratch, { recursive: true, force: true }));
  return scratch;
}

/** A server that filters, as every hosting service is. */
async function source(files: Record<string, string>): Promise<TempGitRepo> {
  const repo = await tempGitRepo({ files });
  await repo.git('config', 'uploadpack.allowFilter', 'true');
  await repo.git('config', 'uploadpack.allowAnySHA1InWant', 'true');
  return repo;
}

async function contents(
  fetched: Awaited<ReturnType<typeof fetchCommit>>,
  directory: string,
): Promise<Record<string, string>> {
  const entries = await fetched.listTree(directory);
  const texts = new Map<string, string>();
  await fetched.readBlobs(
    entries.map(({ id }) => id),
    (id, bytes) => texts.set(id, Buffer.from(bytes).toString()),
  );
  return Object.fromEntries(entries.map(({ path, id }) => [path, texts.get(id) ?? '?']));
}

const FILES = {
  '.mlops/config.json': '{}',
  '.mlops/models/m/model.json': '{"model":"m"}',
  'big.bin': 'x'.repeat(9999),
};

describe('a commit of another repository', () => {
  test('gives the files that are asked for, and does not fetch the others', async () => {
    const repo = await source(FILES);
    const scratch = await scratchDirectory();
    const fetched = await fetchCommit({ url: `file://${repo.root}`, scratch, env: repo.env });
    expect(fetched.commit).toBe((await repo.git('rev-parse', 'HEAD')).trim());
    expect(await contents(fetched, '.mlops')).toEqual({
      '.mlops/config.json': '{}',
      '.mlops/models/m/model.json': '{"model":"m"}',
    });
    const big = (await repo.git('rev-parse', 'HEAD:big.bin')).trim();
    const missing = await repo.git('-C', scratch, 'rev-list', '--objects', '--missing=print', 'FETCH_HEAD');
    expect(lines(missing).filter((line) => line.startsWith('?'))).toEqual([`?${big}`]);
  });

  test('comes whole from a server that can not filter', async () => {
    const repo = await tempGitRepo({ files: FILES });
    const fetched = await fetchCommit({ url: repo.root, scratch: await scratchDirectory(), env: repo.env });
    expect(Object.keys(await contents(fetched, '.mlops'))).toHaveLength(2);
  });

  test('may be a branch, a tag or an id', async () => {
    const repo = await source({ '.mlops/a.json': '1' });
    await repo.git('tag', 'v1.0');
    const first = (await repo.git('rev-parse', 'HEAD')).trim();
    await repo.git('switch', '--quiet', '--create', 'feature/x');
    await repo.write('.mlops/a.json', '2');
    await repo.git('commit', '--quiet', '--all', '--message', 'second');
    await repo.git('switch', '--quiet', '-');
    const at = async (revision: string): Promise<Record<string, string>> => {
      const scratch = await scratchDirectory();
      return contents(
        await fetchCommit({ url: `file://${repo.root}`, revision, scratch, env: repo.env }),
        '.mlops',
      );
    };
    expect(await at('feature/x')).toEqual({ '.mlops/a.json': '2' });
    expect(await at('v1.0')).toEqual({ '.mlops/a.json': '1' });
    expect(await at(first)).toEqual({ '.mlops/a.json': '1' });
  });

  test('without the directory has no files', async () => {
    const repo = await source({ x: '1' });
    const fetched = await fetchCommit({ url: repo.root, scratch: await scratchDirectory(), env: repo.env });
    expect(await fetched.listTree('.mlops')).toEqual([]);
  });

  test('leaves nothing of its files in the scratch directory', async () => {
    const repo = await source(FILES);
    const scratch = await scratchDirectory();
    await fetchCommit({ url: repo.root, scratch, env: repo.env });
    expect(await readdir(scratch)).toEqual(['.git']);
  });
});

describe('refused', () => {
  const NOTHING = { env: {}, scratch: '/nonexistent' };

  test.each(['', '--upload-pack=touch /tmp/x', '-u', 'a\nb'])('the address %j', async (url) => {
    await expect(fetchCommit({ url, ...NOTHING })).rejects.toMatchObject({
      code: 'GIT_URL_INVALID',
      exitCode: 2,
    });
  });

  test.each(['--upload-pack=x', 'a..b', 'a b', 'x^{commit}', '+refs/heads/*:refs/heads/*', 'HEAD~1', ''])(
    'the revision %j',
    async (revision) => {
      await expect(fetchCommit({ url: 'x', revision, ...NOTHING })).rejects.toMatchObject({
        code: 'REVISION_INVALID',
        exitCode: 2,
      });
    },
  );

  test('a transport that runs programs', async () => {
    const repo = await source({ x: '1' });
    const scratch = await scratchDirectory();
    const mark = join(scratch, 'ran');
    await expect(
      fetchCommit({ url: `ext::sh -c touch% ${mark}`, scratch, env: repo.env }),
    ).rejects.toMatchObject({ exitCode: 7 });
    expect(await readdir(scratch)).not.toContain('ran');
  });

  test('what is not there, naming the address without its password', async () => {
    const repo = await source({ x: '1' });
    const missing = fetchCommit({ url: '/nowhere/at/all', scratch: await scratchDirectory(), env: repo.env });
    await expect(missing).rejects.toMatchObject({ code: 'GIT_FETCH_FAILED', exitCode: 7 });
    const spaced = fetchCommit({
      url: '/nowhere/at all; $(x)',
      scratch: await scratchDirectory(),
      env: repo.env,
    });
    const hint = await spaced.then(
      () => '',
      (reason: unknown) => (reason instanceof MlopsError ? (reason.hint ?? '') : ''),
    );
    expect(shellWords(hint.slice(hint.indexOf('git ')))).toEqual([
      ['git', 'ls-remote', '/nowhere/at all; $(x)'],
    ]);
    const branch = fetchCommit({
      url: repo.root,
      revision: 'nope',
      scratch: await scratchDirectory(),
      env: repo.env,
    });
    await expect(branch).rejects.toMatchObject({ code: 'REVISION_NOT_FOUND', exitCode: 2 });
    const secret = fetchCommit({
      url: 'http://user:hunter2@127.0.0.1:1/x.git',
      scratch: await scratchDirectory(),
      env: repo.env,
    });
    const error = await secret.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: 'GIT_FETCH_FAILED', exitCode: 7 });
    expect(String(error)).not.toContain('hunter2');
  });
});
