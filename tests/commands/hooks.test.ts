import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { asRegistry, cloneOf, registryRepo, type RegistryRepo } from '../support/registry-repo.ts';
import { shellWords } from '../support/shell-words.ts';
import { openTempRepo, tempGitRepo } from '../support/temp-repo.ts';

/** These tests let the real Git start the real program, which `npm run build` makes. */
interface Done {
  code: number;
  stdout: string;
  stderr: string;
}

function gitDone(repo: RegistryRepo, ...args: string[]): Promise<Done> {
  return gitWith(repo, repo.env, ...args);
}

function gitWith(
  repo: RegistryRepo,
  env: Readonly<Record<string, string | undefined>>,
  ...args: string[]
): Promise<Done> {
  return new Promise((done) => {
    execFile('git', args, { cwd: repo.root, env: { ...env } }, (error, stdout, stderr) => {
      const code = typeof error?.code === 'number' ? error.code : error === null ? 0 : -1;
      done({ code, stdout, stderr });
    });
  });
}

interface Hooked extends RegistryRepo {
  /** A bare Git repository, the remote `origin`. */
  bare: string;
  /** A directory that is the remote for objects, when `withStore` made it one. */
  store: string;
}

/** A registry with hooks, a Git remote, and commits on `main` that were pushed. */
async function hooked(): Promise<Hooked> {
  const plain = await registryRepo();
  // A name that a careless shell script would trip over.
  const root = join(dirname(plain.root), `it's "ünï" $(x)`);
  await rename(plain.root, root);
  const repo = asRegistry(openTempRepo(root, plain.env));
  const bare = join(dirname(root), 'bare.git');
  await repo.git('init', '--quiet', '--bare', '-b', 'main', bare);
  await repo.git('remote', 'add', 'origin', bare);
  await repo.json('hooks', 'install');
  expect(await gitDone(repo, 'push', '--quiet', 'origin', 'main')).toMatchObject({ code: 0, stderr: '' });
  return { ...repo, bare, store: join(dirname(root), 'store') };
}

async function withStore(repo: Hooked): Promise<void> {
  await mkdir(repo.store);
  await repo.json('remote', 'add', 'store', repo.store, '--default');
  await repo.git('add', '--all');
  if ((await repo.git('status', '--porcelain')) !== '')
    await repo.git('commit', '--quiet', '-m', 'Name the remote');
}

/** Paths of the objects of a kind on the remote. */
function stored(repo: Hooked, kind: 'layouts' | 'manifests' | 'packs'): string[] {
  const directory = join(repo.store, kind);
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => name.length > 60);
}

async function saved(repo: RegistryRepo, model: string, label: string): Promise<void> {
  await repo.save(model, label);
  await repo.git('commit', '--quiet', '-m', `Save ${model} ${label}`);
}

/** The one file in a directory of `.mlops`. */
async function only(repo: RegistryRepo, directory: string): Promise<string> {
  const [name] = readdirSync(join(repo.root, directory)).filter((each) => each.endsWith('.json'));
  if (name === undefined) throw new Error(`${directory} is empty`);
  return `${directory}/${name}`;
}

describe('hooks install, status and uninstall', () => {
  test('say what is active, and by their exit code whether all are', async () => {
    const repo = await registryRepo();
    const before = await repo.run('hooks', 'status');
    expect(before.code).toBe(1);
    expect(before.stdout).toMatch(/pre-push +not installed/);
    expect(before.stderr).toContain('hint: mlops hooks install');
    const installed = await repo.run('hooks', 'install');
    expect(installed.code).toBe(0);
    expect(installed.stdout).toContain('pre-push: installed\n');
    const status = await repo.json<{ active: boolean; hooks: { state: string }[] }>('hooks', 'status');
    expect(status.active).toBe(true);
    expect(status.hooks.map(({ state }) => state)).toEqual(['active', 'active', 'active', 'active']);
    const gone = await repo.json<{ changes: unknown[] }>('hooks', 'uninstall');
    expect(gone.changes).toHaveLength(4);
    expect((await repo.run('hooks', 'status')).code).toBe(1);
  });

  test('print the lines for a tool that manages the hooks, and exit 1 until they are there', async () => {
    const repo = await registryRepo();
    await repo.git('config', 'core.hooksPath', '.husky/_');
    await repo.write('.husky/_/h', '');
    const { code, stdout } = await repo.run('hooks', 'install');
    expect(code).toBe(1);
    expect(stdout).toContain('add to .husky/pre-push:\n  mlops hooks run pre-push "$@"\n');
    for (const hook of ['pre-commit', 'pre-push', 'post-checkout', 'post-merge'])
      await repo.write(`.husky/${hook}`, `mlops hooks run ${hook} "$@"\n`);
    expect((await repo.run('hooks', 'install')).code).toBe(0);
  });

  test('warn of paths of this machine among the files of the repository, unless they are portable', async () => {
    const repo = await registryRepo();
    await repo.git('config', 'core.hooksPath', '.githooks');
    const { code, stderr } = await repo.run('hooks', 'install');
    expect(code).toBe(0);
    expect(stderr).toContain('to commit them, use --portable');
    expect((await repo.run('hooks', 'install', '--portable')).stderr).toBe('');
    expect(await repo.read('.githooks/pre-push')).not.toContain(process.execPath);
    expect((await repo.run('hooks', 'status')).code).toBe(0);
  });

  test('init --hooks writes them at once', async () => {
    const repo = asRegistry(await tempGitRepo());
    const { hooks } = await repo.json<{ hooks: { active: boolean } }>('init', '--hooks');
    expect(hooks.active).toBe(true);
    expect(readFileSync(join(repo.root, '.git/hooks/pre-commit'), 'utf8')).toContain('mlops-hook');
  });

  test('need a registry to install, and none to uninstall', async () => {
    const repo = asRegistry(await tempGitRepo());
    expect(await repo.failure('hooks', 'install')).toMatchObject({ code: 'NOT_A_REPOSITORY', exitCode: 2 });
    expect((await repo.run('hooks', 'uninstall')).code).toBe(0);
  });

  test('refuse a hook that there is not', async () => {
    const repo = await registryRepo();
    expect((await repo.failure('hooks', 'run', 'post-commit')).message).toContain('pre-commit, pre-push');
  });
});

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
    await repo.save('fraud', 'v1', '--param', `auth=${token}`);
    const { code, stderr } = await gitDone(repo, 'commit', '-m', 'x');
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /error: \.mlops\/models\/fraud\/versions\/v1\.json:\d+: looks like a GitHub token/,
    );
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
    const token = ['glpat', 'aB3dE5gH7jK9mN1pQ2rS'].join('-');
    await repo.write('m.bin', 'others');
    const failed = await repo.failure(
      'save',
      'fraud',
      'm.bin',
      '--version',
      'v2',
      '--param',
      `t=${token}`,
      '--commit',
    );
    expect(failed.message).toContain('is done and on disk');
    expect(failed.message).toContain('looks like a GitLab token');
    expect(await repo.git('log', '-1', '--format=%s')).toContain('v1');
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

describe('pre-push', () => {
  test('pushes what the commits need before Git sends them, and only then', async () => {
    const repo = await hooked();
    await withStore(repo);
    await saved(repo, 'fraud', 'v1');
    const done = await gitDone(repo, 'push', '--quiet', 'origin', 'main');
    expect(done).toMatchObject({ code: 0, stdout: '' });
    expect(done.stderr).toMatch(/^mlops: pushed 3 objects \(\S+ \w+\) to \S/);
    expect(stored(repo, 'layouts')).toHaveLength(1);
    const clone = await cloneOf({ ...repo, root: repo.bare }, join(dirname(repo.root), 'clone'));
    await clone.json('pull');
    await clone.json('load', 'fraud@v1', '-o', 'out.bin');
    expect(await clone.read('out.bin')).toBe('bytes of fraud v1');
  });

  test('does not touch the remote when the commits need nothing new', async () => {
    const repo = await hooked();
    await withStore(repo);
    await saved(repo, 'fraud', 'v1');
    await repo.git('push', '--quiet', 'origin', 'main');
    await rm(repo.store, { recursive: true });
    await repo.write('code.py', 'print(2)\n');
    await repo.git('add', 'code.py');
    await repo.git('commit', '--quiet', '-m', 'code');
    expect(await gitDone(repo, 'push', '--quiet', 'origin', 'main')).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    });
    await repo.json('promote', 'fraud@v1', '--to', 'staging', '--commit');
    expect(await gitDone(repo, 'push', '--quiet', 'origin', 'main')).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    });
    expect(existsSync(repo.store)).toBe(false);
  });

  test('refuses the push when the objects can not be pushed, and nothing reaches Git', async () => {
    const repo = await hooked();
    await withStore(repo);
    await repo.git('push', '--quiet', 'origin', 'main');
    await saved(repo, 'fraud', 'v1');
    await rm(repo.store, { recursive: true });
    await writeFile(repo.store, 'no directory');
    const before = await repo.git('ls-remote', 'origin');
    const done = await gitDone(repo, 'push', 'origin', 'main');
    expect(done.code).not.toBe(0);
    expect(done.stderr).toContain('error: ');
    expect(await repo.git('ls-remote', 'origin')).toBe(before);
    expect((await gitDone(repo, 'push', '--quiet', '--no-verify', 'origin', 'main')).code).toBe(0);
  });

  test('refuses what is neither here nor there, naming it, and takes what another clone brought', async () => {
    const repo = await hooked();
    await withStore(repo);
    await saved(repo, 'fraud', 'v1');
    await rename(join(repo.root, '.mlops/cache'), join(repo.root, '.mlops/tmp/away'));
    const done = await gitDone(repo, 'push', 'origin', 'main');
    expect(done.code).not.toBe(0);
    expect(done.stderr).toContain('the bytes of fraud@v1, neither complete in this clone nor on');
    await rename(join(repo.root, '.mlops/tmp/away'), join(repo.root, '.mlops/cache'));
    await repo.json('push', '--all');
    await rm(join(repo.root, '.mlops/cache'), { recursive: true });
    expect((await gitDone(repo, 'push', '--quiet', 'origin', 'main')).code).toBe(0);
  });

  test('without a remote for objects passes what needs none and refuses the rest, with the way out', async () => {
    const repo = await hooked();
    await repo.git('commit', '--quiet', '--allow-empty', '-m', 'x');
    expect(await gitDone(repo, 'push', '--quiet', 'origin', 'main')).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    });
    await saved(repo, 'fraud', 'v1');
    const done = await gitDone(repo, 'push', 'origin', 'main');
    expect(done.code).not.toBe(0);
    expect(done.stderr).toContain(
      'error: the pushed commits need the bytes of fraud@v1, and no remote is configured',
    );
    expect(done.stderr).toContain('mlops remote add');
    expect(
      (await gitWith(repo, { ...repo.env, MLOPS_PRE_PUSH: 'off' }, 'push', '--quiet', 'origin', 'main')).code,
    ).toBe(0);
  });

  test('pushes nothing to a remote that only the committed configuration names', async () => {
    const repo = await hooked();
    await mkdir(repo.store);
    await repo.json('remote', 'add', 'theirs', repo.store);
    await rm(join(repo.root, '.mlops/local.json'));
    const untouched = readdirSync(repo.store);
    await saved(repo, 'fraud', 'v1');
    const done = await gitDone(repo, 'push', 'origin', 'main');
    expect(done.code).not.toBe(0);
    expect(done.stderr).toContain('mlops remote trust theirs');
    expect(readdirSync(repo.store)).toEqual(untouched);
    await repo.json('remote', 'trust', 'theirs');
    expect((await gitDone(repo, 'push', '--quiet', 'origin', 'main')).code).toBe(0);
    expect(stored(repo, 'layouts')).toHaveLength(1);
  });

  test('refuses commits whose clones would have no registry, until format.json is committed', async () => {
    const repo = await hooked();
    await withStore(repo);
    await repo.git('rm', '--quiet', '--cached', '.mlops/format.json');
    await repo.git('commit', '--quiet', '--no-verify', '-m', 'Forget the format');
    await repo.save('fraud', 'v1');
    await repo.git('commit', '--quiet', '--no-verify', '-m', 'Save', '--', '.mlops/models');
    const refused = await gitDone(repo, 'push', 'origin', 'main');
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain('not .mlops/format.json, so its clones would have no registry');
    expect(stored(repo, 'layouts')).toEqual([]);
    const hint = /push again: (git add .*?);/.exec(refused.stderr)?.[1] ?? '';
    const commands = shellWords(hint);
    expect(commands).toHaveLength(2);
    for (const [, ...args] of commands) await repo.git(...args);
    expect((await gitDone(repo, 'push', '--quiet', 'origin', 'main')).code).toBe(0);
    expect(stored(repo, 'layouts')).toHaveLength(1);
  });

  test('only asks the remote when it is told so', async () => {
    const repo = await hooked();
    await withStore(repo);
    await repo.json('config', 'set', 'hooks.prePush', 'check', '--local');
    await saved(repo, 'fraud', 'v1');
    const done = await gitDone(repo, 'push', 'origin', 'main');
    expect(done.code).not.toBe(0);
    expect(done.stderr).toContain('error: the pushed commits need the bytes of fraud@v1, not complete on');
    expect(stored(repo, 'packs')).toEqual([]);
    await repo.json('push', '--all');
    expect(await gitDone(repo, 'push', '--quiet', 'origin', 'main')).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    });
  });

  test('takes new branches, tags, forced pushes, deleted refs and several at once', async () => {
    const repo = await hooked();
    await withStore(repo);
    await repo.git('checkout', '--quiet', '-b', 'one');
    await saved(repo, 'one', 'v1');
    await repo.git('tag', '-a', '-m', 'tagged', 'v1');
    await repo.git('checkout', '--quiet', '-b', 'two', 'main');
    await saved(repo, 'two', 'v1');
    expect((await gitDone(repo, 'push', '--quiet', 'origin', 'v1')).code).toBe(0);
    expect(stored(repo, 'manifests')).toHaveLength(1);
    expect((await gitDone(repo, 'push', '--quiet', 'origin', 'one', 'two')).code).toBe(0);
    expect(stored(repo, 'manifests')).toHaveLength(2);
    await repo.git('reset', '--quiet', '--hard', 'main');
    await saved(repo, 'three', 'v1');
    expect((await gitDone(repo, 'push', '--quiet', '--force', 'origin', 'two')).code).toBe(0);
    expect(stored(repo, 'manifests')).toHaveLength(3);
    expect(await gitDone(repo, 'push', '--quiet', 'origin', '--delete', 'two', 'v1')).toMatchObject({
      code: 0,
      stderr: '',
    });
  });

  test('compares with what it knows when the remote is somewhere it has never seen', async () => {
    const repo = await hooked();
    await withStore(repo);
    await repo.git('push', '--quiet', 'origin', 'main');
    const other = await cloneOf({ ...repo, root: repo.bare }, join(dirname(repo.root), 'other'));
    await other.git('commit', '--quiet', '--allow-empty', '-m', 'theirs');
    await other.git('push', '--quiet', 'origin', 'main');
    await saved(repo, 'fraud', 'v1');
    // Git itself refuses after the hook; what was pushed does no harm.
    expect((await gitDone(repo, 'push', '--quiet', 'origin', 'main')).stderr).toContain('rejected');
    const forced = await gitDone(repo, 'push', '--quiet', '--force', 'origin', 'main');
    expect(forced).toMatchObject({ code: 0, stderr: '' });
    expect(stored(repo, 'layouts')).toHaveLength(1);
    // By its URL the remote has no branches here, so everything is new to it, and on the other remote already.
    expect(await gitDone(repo, 'push', '--quiet', repo.bare, 'main:copy')).toMatchObject({
      code: 0,
      stderr: '',
    });
  });

  test('pushes what a branch needs that is not checked out, unless nothing says where to', async () => {
    const repo = await hooked();
    await withStore(repo);
    await repo.git('checkout', '--quiet', '-b', 'side');
    await saved(repo, 'fraud', 'v1');
    await repo.git('checkout', '--quiet', 'main');
    expect((await gitDone(repo, 'push', '--quiet', 'origin', 'side')).code).toBe(0);
    expect(stored(repo, 'manifests')).toHaveLength(1);

    await repo.git('checkout', '--quiet', 'side');
    await saved(repo, 'fraud', 'v2');
    await repo.git('checkout', '--quiet', '--orphan', 'empty');
    await repo.git('rm', '--quiet', '-r', '--force', '.');
    const refused = await gitDone(repo, 'push', 'origin', 'side');
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain(
      'the pushed commits need the bytes of fraud@v2, and what is checked out has no .mlops',
    );
  });

  test('pushes what commits in between need, and does not mind when it is gone', async () => {
    const repo = await hooked();
    await withStore(repo);
    await repo.git('push', '--quiet', 'origin', 'main');
    for (const text of ['1', '2', '3']) {
      await repo.write('data.csv', text);
      await repo.json('data', 'add', 'data.csv');
      await repo.git('commit', '--quiet', '-am', text);
    }
    expect((await gitDone(repo, 'push', '--quiet', 'origin', 'main')).code).toBe(0);
    expect(stored(repo, 'manifests')).toHaveLength(3);
  });

  test('does not ask for versions that were deleted', async () => {
    const repo = await hooked();
    await saved(repo, 'fraud', 'v1');
    await repo.json('delete', 'fraud@v1', '--reason', 'a mistake', '--commit');
    expect(await gitDone(repo, 'push', '--quiet', 'origin', 'main')).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    });
  });

  test('hears from the environment what the tool pre-commit does not say on stdin', async () => {
    const repo = await hooked();
    await withStore(repo);
    await saved(repo, 'fraud', 'v1');
    const said = {
      PRE_COMMIT: '1',
      PRE_COMMIT_REMOTE_NAME: 'origin',
      PRE_COMMIT_LOCAL_BRANCH: 'refs/heads/main',
    };
    const run = (env: Record<string, string>): Promise<{ code: number; stderr: string }> =>
      repo.runWith({ env: { ...said, ...env }, input: '' }, 'hooks', 'run', 'pre-push');
    const tip = await repo.git('rev-parse', 'HEAD');
    expect((await run({ PRE_COMMIT_TO_REF: tip, PRE_COMMIT_FROM_REF: `${tip}~1` })).stderr).toContain(
      'pushed 3 objects',
    );
    await saved(repo, 'fraud', 'v2');
    expect((await run({})).stderr).toContain('pushed');
    expect(stored(repo, 'layouts')).toHaveLength(2);
  });

  test('refuses input that Git does not give', async () => {
    const repo = await hooked();
    const { code, stderr } = await repo.runWith(
      { input: 'what is this\n' },
      'hooks',
      'run',
      'pre-push',
      'origin',
      'x',
    );
    expect(code).toBe(2);
    expect(stderr).toContain('is no line of a pre-push hook');
  });

  test('leaves the input to a hook that was there before as well', async () => {
    const repo = await hooked();
    await repo.json('hooks', 'uninstall');
    const file = join(repo.root, '.git/hooks/pre-push');
    await writeFile(file, '#!/bin/sh\ncat > .git/seen\n');
    await chmod(file, 0o755);
    await repo.json('hooks', 'install');
    await withStore(repo);
    await saved(repo, 'fraud', 'v1');
    expect((await gitDone(repo, 'push', '--quiet', 'origin', 'main')).code).toBe(0);
    expect(await repo.read('.git/seen')).toMatch(
      /^refs\/heads\/main [0-9a-f]{40} refs\/heads\/main [0-9a-f]{40}\n$/,
    );
    expect(stored(repo, 'layouts')).toHaveLength(1);
  });
});

describe('post-checkout and post-merge', () => {
  async function tracked(): Promise<Hooked> {
    const repo = await hooked();
    await repo.write('data/a b.csv', 'one\n');
    await repo.json('data', 'add', 'data/a b.csv');
    await repo.git('commit', '--quiet', '-m', 'one');
    await repo.git('checkout', '--quiet', '-b', 'side');
    await repo.write('data/a b.csv', 'two\n');
    await repo.json('data', 'add', 'data/a b.csv');
    await repo.git('commit', '--quiet', '-m', 'two');
    return repo;
  }

  test('restore the data of the commit, and say so in one line', async () => {
    const repo = await tracked();
    const back = await gitDone(repo, 'checkout', '--quiet', 'main');
    expect(back).toEqual({ code: 0, stdout: '', stderr: 'mlops: restored data/a b.csv\n' });
    expect(await repo.read('data/a b.csv')).toBe('one\n');
    const merged = await gitDone(repo, 'merge', '--quiet', 'side');
    expect(merged).toMatchObject({ code: 0, stderr: 'mlops: restored data/a b.csv\n' });
    expect(await repo.read('data/a b.csv')).toBe('two\n');
    expect(await gitDone(repo, 'checkout', '--quiet', '-b', 'same')).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    });
  });

  test('never touch local changes nor fail the command', async () => {
    const repo = await tracked();
    await repo.write('data/a b.csv', 'mine, saved nowhere\n');
    const done = await gitDone(repo, 'checkout', '--quiet', 'main');
    expect(done.code).toBe(0);
    expect(done.stderr).toMatch(/^warning: data\/a b\.csv was left as it is: /);
    expect(await repo.read('data/a b.csv')).toBe('mine, saved nowhere\n');
  });

  test('do nothing when files are checked out', async () => {
    const repo = await tracked();
    await repo.write('data/a b.csv', 'mine\n');
    expect(await gitDone(repo, 'checkout', '--quiet', '--', 'README.md')).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    });
  });

  test('say what to pull, or fetch it when that is wanted and the remote is trusted', async () => {
    const repo = await tracked();
    await withStore(repo);
    await repo.git('push', '--quiet', 'origin', 'main', 'side');
    const clone = await cloneOf({ ...repo, root: repo.bare }, join(dirname(repo.root), 'clone'));
    await clone.json('hooks', 'install');
    const lacking = await gitDone(clone, 'checkout', '--quiet', 'side');
    expect(lacking).toMatchObject({ code: 0 });
    expect(lacking.stderr).toBe('warning: data/a b.csv not in this clone yet; to restore: mlops pull\n');
    await clone.json('config', 'set', 'hooks.fetch', 'true', '--local');
    await clone.json('remote', 'trust', 'store');
    const fetched = await gitDone(clone, 'checkout', '--quiet', '--detach', 'side');
    expect(fetched).toMatchObject({ code: 0, stderr: 'mlops: restored data/a b.csv\n' });
    expect(await clone.read('data/a b.csv')).toBe('two\n');
  });

  test('warn and let Git succeed when the registry can not be read', async () => {
    const repo = await tracked();
    await repo.write('.mlops/local.json', 'nonsense');
    const done = await gitDone(repo, 'checkout', '--quiet', 'main');
    expect(done.code).toBe(0);
    expect(done.stderr).toMatch(/^warning: tracked data was not restored: \.mlops\/local\.json:1:1/);
  });

  test('wait until a rebase is over', async () => {
    const repo = await tracked();
    await repo.git('checkout', '--quiet', 'main');
    await repo.write('README.md', 'other\n');
    await repo.git('commit', '--quiet', '-am', 'other');
    await repo.git('checkout', '--quiet', 'side');
    const done = await gitDone(repo, 'rebase', '--quiet', 'main');
    expect(done).toMatchObject({ code: 0 });
    expect(done.stderr).not.toContain('restored');
    expect(await repo.read('data/a b.csv')).toBe('two\n');
    expect((await repo.run('status')).code).toBe(0);
  });
});
