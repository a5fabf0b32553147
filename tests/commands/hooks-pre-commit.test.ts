import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { gitDone, hooked, saved } from '../support/hooked-repo.ts';
import { asRegistry, type RegistryRepo } from '../support/registry-repo.ts';
import { shellWords } from '../support/shell-words.ts';
import { openTempRepo } from '../support/temp-repo.ts';

/** Documents that people edit may hold what no command would write. */
const modelDocument = (description: string): string =>
  `{\n  "description": "${description}",\n  "model": "fraud",\n  "schema": "mlops.model/1"\n}\n`;

/** The one file in a directory of `.mlops`. */
async function only(repo: RegistryRepo, directory: string): Promise<string> {
  const [name] = readdirSync(join(repo.root, directory)).filter((each) => each.endsWith('.json'));
  if (name === undefined) throw new Error(`${directory} is empty`);
  return `${directory}/${name}`;
}

describe('pre-commit', () => {
  test('lets a commit of a version and one of something else pass, without a word', async () => {
    const repo = await hooked();
    await repo.save('fraud', 'v1');
    await repo.write('code.py', 'print(1)\n');
    await repo.git('add', 'code.py');
    const done = await gitDone(repo, 'commit', '--quiet', '-m', 'x');
    expect(done).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test('works without PATH and without a home, as a program with windows starts Git', async () => {
    const repo = await hooked();
    await repo.save('fraud', 'v1');
    const git = (await repo.git('--exec-path')).replace(/\/libexec.*|\/lib\/git-core.*/, '/bin/git');
    const path = join(repo.root, '.mlops', 'models/fraud/stages');
    await mkdir(path, { recursive: true });
    await writeFile(join(path, 'production.json'), 'nonsense');
    await repo.git('add', '--all');
    const env = { GIT_CONFIG_GLOBAL: repo.env['GIT_CONFIG_GLOBAL'], GIT_CONFIG_NOSYSTEM: '1' };
    const refused = await new Promise<string>((done) => {
      execFile(
        '/usr/bin/env',
        ['-i', ...Object.entries(env).map(([k, v]) => `${k}=${v}`), git, 'commit', '-m', 'x'],
        { cwd: repo.root },
        (_error, _stdout, stderr) => done(stderr),
      );
    });
    expect(refused).toContain('.mlops/models/fraud/stages/production.json:1:1');
  });

  test('refuses a record that was edited, and names it', async () => {
    const repo = await hooked();
    await saved(repo, 'fraud', 'v1');
    const path = '.mlops/models/fraud/versions/v1.json';
    await repo.write(path, (await repo.read(path)).replace('"files": 1', '"files": 2'));
    const done = await gitDone(repo, 'commit', '-am', 'x');
    expect(done.code).toBe(1);
    expect(done.stderr).toContain(`error: ${path} was changed; records and events are never edited`);
  });

  test('refuses to remove records and events, and lets the whole registry go', async () => {
    const repo = await hooked();
    await saved(repo, 'fraud', 'v1');
    await repo.git('rm', '--quiet', '-r', '--cached', '.mlops/models/fraud');
    const done = await gitDone(repo, 'commit', '-m', 'x');
    expect(done.code).toBe(1);
    expect(done.stderr).toContain('.mlops/models/fraud/versions/v1.json is staged for removal');
    expect(done.stderr).toMatch(/events\/\S+-saved-\S+\.json is staged for removal/);
    await repo.git('rm', '--quiet', '-r', '--cached', '.mlops');
    expect((await gitDone(repo, 'commit', '--quiet', '-m', 'Give it up')).code).toBe(0);
  });

  test('gives commands that do what they say, also for names that a shell or Git reads otherwise', async () => {
    const repo = await hooked();
    const names = ['train 1.csv', 'a; $(x).csv', 'a*[1].csv'];
    for (const name of names) {
      const path = `.mlops/data/da ta/${name}.json`;
      await repo.write(path, '');
      await rm(join(repo.root, path));
      await symlink('elsewhere', join(repo.root, path));
    }
    await repo.write('.mlops/data/da ta/ab1.csv.json', 'no JSON');
    await repo.git('add', '--force', '.mlops/data');
    const before = (await repo.git('diff', '--cached', '--name-only')).split('\n').length;
    const { stderr } = await gitDone(repo, 'commit', '-m', 'x');
    const hints = stderr.split('\n').filter((line) => line.includes('git rm --cached'));
    expect(hints).toHaveLength(names.length);
    for (const hint of hints) {
      const [command = []] = shellWords(hint.slice(hint.indexOf('git rm')));
      await repo.git(...command.slice(1));
    }
    expect((await repo.git('diff', '--cached', '--name-only')).split('\n')).toHaveLength(
      before - names.length,
    );
  });

  test('names file and line of broken JSON, conflict markers and what no reader takes', async () => {
    const repo = await hooked();
    await saved(repo, 'fraud', 'v1');
    const event = await only(repo, '.mlops/models/fraud/events');
    const record = await repo.read('.mlops/models/fraud/versions/v1.json');
    await repo.write('.mlops/models/fraud/versions/v2.json', record);
    await repo.write('.mlops/models/fraud/versions/v3.json', `${record.slice(0, -2)},\n`);
    await repo.write(event.replace(/[0-9a-f]{16}\.json$/, '0123456789abcdef.json'), await repo.read(event));
    await repo.write(
      '.mlops/models/fraud/model.json',
      '{\n<<<<<<< HEAD\n  "a": 1\n=======\n>>>>>>> other\n}\n',
    );
    await repo.write('.mlops/config.json', '{ "stagess": [] }\n');
    await repo.write('.mlops/notes.txt', 'a\n<<<<<<< HEAD\nb\n');
    await repo.git('add', '--all');
    // The configuration can't be read, so it is all that is said of first.
    expect((await gitDone(repo, 'commit', '-m', 'x')).stderr).toContain('stagess: unknown key');
    await repo.git('checkout', 'HEAD', '--', '.mlops/config.json');
    const { code, stderr } = await gitDone(repo, 'commit', '-m', 'x');
    expect(code).toBe(1);
    const errors = stderr.split('\n').filter((line) => line.startsWith('error: '));
    expect(errors).toHaveLength(5);
    expect(errors[0]).toMatch(/-saved-0123456789abcdef\.json: its bytes or its name were changed/);
    expect(errors[1]).toMatch(/model\.json:2: the file holds an unresolved Git merge conflict/);
    expect(errors[2]).toMatch(/v2\.json: is the record of fraud@v1/);
    expect(errors[3]).toMatch(/v3\.json:\d+:\d+: /);
    expect(errors[4]).toMatch(/notes\.txt:2: the file holds an unresolved Git merge conflict/);
  });

  test('looks at what is staged and not at the work tree', async () => {
    const repo = await hooked();
    await repo.write('.mlops/models/fraud/model.json', 'nonsense');
    await repo.git('add', '--all');
    await repo.write('.mlops/models/fraud/model.json', '{"model":"fraud","schema":"mlops.model/1"}');
    expect((await gitDone(repo, 'commit', '-m', 'x')).stderr).toContain('model.json:1:1');
    // Only the path that is named, by way of another index.
    const named = await gitDone(repo, 'commit', '--quiet', '-m', 'x', '--', '.mlops/models/fraud/model.json');
    expect(named).toMatchObject({ code: 0, stderr: '' });
    await repo.write('.mlops/models/fraud/model.json', 'nonsense again');
    await repo.write('README.md', 'more\n');
    expect((await gitDone(repo, 'commit', '--quiet', '-m', 'x', '--', 'README.md')).code).toBe(0);
    expect((await gitDone(repo, 'commit', '-a', '-m', 'x')).code).toBe(1);
  });

  test('refuses half a change', async () => {
    const repo = await hooked();
    await repo.save('fraud', 'v1');
    const event = await only(repo, '.mlops/models/fraud/events');
    await repo.git('rm', '--quiet', '--cached', event);
    const half = await gitDone(repo, 'commit', '-m', 'x');
    expect(half.stderr).toContain('v1.json: the event that registers this version is not staged');
    await repo.git('add', event);
    await repo.git('commit', '--quiet', '-m', 'x');
    await repo.json('promote', 'fraud@v1', '--to', 'staging');
    await repo.git('reset', '--quiet');
    await repo.git('add', '.mlops/models/fraud/stages');
    const pointer = await gitDone(repo, 'commit', '-m', 'x');
    expect(pointer.stderr).toContain('stages/staging.json: the event that moved this stage is not staged');
    await repo.git('add', '.mlops');
    expect((await gitDone(repo, 'commit', '--quiet', '-m', 'x')).code).toBe(0);
  });

  test('refuses files of one clone and links', async () => {
    const repo = await hooked();
    await saved(repo, 'fraud', 'v1');
    await repo.write('.mlops/local.json', '{}\n');
    await symlink('../README.md', join(repo.root, '.mlops/link.json'));
    await repo.git('add', '--force', '.mlops');
    const { code, stderr } = await gitDone(repo, 'commit', '-m', 'x');
    expect(code).toBe(1);
    expect(stderr).toMatch(/error: \.mlops\/cache\/packs\/\S+ belongs to this clone and is not for a commit/);
    expect(stderr).toContain('error: .mlops/local.json belongs to this clone');
    expect(stderr).toContain('error: .mlops/link.json is a symbolic link');
  });

  test('refuses secrets without printing them, until one is allowed', async () => {
    const repo = await hooked();
    const token = ['ghp', 'aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zA1b2C'].join('_');
    await repo.save('fraud', 'v1');
    await repo.write('.mlops/models/fraud/model.json', modelDocument(token));
    await repo.git('add', '--all');
    const { code, stderr } = await gitDone(repo, 'commit', '-m', 'x');
    expect(code).toBe(1);
    expect(stderr).toMatch(/error: \.mlops\/models\/fraud\/model\.json:2: looks like a GitHub token/);
    expect(stderr).not.toContain(token.slice(4));
    const [, words = ''] =
      /if it is none: mlops (config set hooks\.allowedSecrets [0-9a-f]{16})/.exec(stderr) ?? [];
    await repo.json(...words.split(' '));
    expect(await gitDone(repo, 'commit', '--quiet', '-m', 'x')).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test('is run for the commits that commands make', async () => {
    const repo = await hooked();
    await repo.write('m.bin', 'bytes');
    await repo.json('save', 'fraud', 'm.bin', '--version', 'v1', '--commit');
    await repo.write('data.csv', 'a\n');
    await repo.json('data', 'add', 'data.csv', '--commit');
    await repo.write('data.csv', 'b\n');
    await repo.write('m.bin', 'others');
    const failed = await repo.failure('save', 'fraud', 'm.bin', '--version', 'v2', '--commit');
    expect(failed.message).toContain('is done and on disk');
    expect(failed.message).toContain('data.csv was changed and is saved nowhere');
    expect(await repo.git('log', '-1', '--format=%s')).toContain('data.csv');
  });

  test('gives exit codes that tell damage, what is forbidden and what is unfinished apart', async () => {
    const repo = await hooked();
    const run = async (): Promise<number> => (await repo.run('hooks', 'run', 'pre-commit')).code;
    expect(await run()).toBe(0);
    await repo.write('.mlops/models/fraud/model.json', '<<<<<<< HEAD\n');
    await repo.git('add', '--all');
    expect(await run()).toBe(5);
    await repo.write('.mlops/tmp/x', '');
    await repo.git('add', '--force', '.mlops/tmp/x');
    expect(await run()).toBe(4);
    await repo.write('.mlops/models/fraud/versions/v1.json', '{}');
    await repo.git('add', '--all');
    expect(await run()).toBe(3);
    const { stdout } = await repo.run('hooks', 'run', 'pre-commit', '--json');
    const { data } = JSON.parse(stdout) as {
      data: { problems: { code: string; path: string; line: number }[] };
    };
    expect(data.problems.map(({ code, line }) => [code, line])).toEqual([
      ['MERGE_CONFLICT', 1],
      ['DOCUMENT_INVALID', null],
      ['CLONE_FILE_STAGED', null],
    ]);
  });

  test('refuses a commit while tracked data is saved nowhere, or warns', async () => {
    const repo = await hooked();
    await repo.write('data/train set.csv', 'a,b\n');
    await repo.json('data', 'add', 'data/train set.csv');
    expect(await gitDone(repo, 'commit', '--quiet', '-m', 'x')).toMatchObject({ code: 0, stderr: '' });
    await repo.write('data/train set.csv', 'a,b\n1,2\n');
    const refused = await gitDone(repo, 'commit', '--allow-empty', '-m', 'x');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('error: data/train set.csv was changed and is saved nowhere');
    const hint = refused.stderr.split('\n').find((line) => line.includes('mlops data add')) ?? '';
    expect(shellWords(hint.slice(hint.indexOf('mlops data add'))).slice(0, 1)).toEqual([
      ['mlops', 'data', 'add', 'data/train set.csv'],
    ]);
    expect(hint).toContain("mlops checkout --force 'data/train set.csv';");
    await repo.json('config', 'set', 'hooks.requireSavedData', 'false', '--local');
    const warned = await gitDone(repo, 'commit', '--allow-empty', '--quiet', '-m', 'x');
    expect(warned.code).toBe(0);
    expect(warned.stderr).toContain('warning: data/train set.csv was changed');
    await repo.json('data', 'add', 'data/train set.csv');
    await repo.git('reset', '--quiet');
    const stale = await gitDone(repo, 'commit', '--allow-empty', '--quiet', '-m', 'x');
    expect(stale.stderr).toContain(
      'the commit keeps an earlier state of it; to include it: git add :/.mlops',
    );
  });

  test('checks the registry of the work tree that commits', async () => {
    const repo = await hooked();
    const path = join(dirname(repo.root), 'linked tree');
    await repo.git('worktree', 'add', '--quiet', '-b', 'side', path);
    const linked = asRegistry(openTempRepo(path, repo.env));
    await linked.write('.mlops/models/fraud/model.json', 'nonsense');
    await linked.git('add', '--all');
    expect((await gitDone(linked, 'commit', '-m', 'x')).stderr).toContain('model.json:1:1');
    await linked.git('reset', '--quiet', '--hard');
    await saved(linked, 'fraud', 'v1');
    expect(await repo.git('log', '-1', '--format=%s', 'side')).toBe('Save fraud v1');
  });

  test('leaves a branch without a registry alone', async () => {
    const repo = await hooked();
    await repo.git('checkout', '--quiet', '--orphan', 'empty');
    await repo.git('rm', '--quiet', '-r', '--cached', '.');
    await rm(join(repo.root, '.mlops/format.json'));
    await repo.write('x.txt', 'x');
    await repo.git('add', 'x.txt');
    expect(await gitDone(repo, 'commit', '--quiet', '-m', 'x')).toEqual({ code: 0, stdout: '', stderr: '' });
  });
});
