import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ConflictError, MlopsError, RefusedError, UsageError } from '../errors.ts';
import { isLocalRemote, redactUrl } from '../lib/redact-url.ts';
import { unsafePathProblem } from '../lib/safe-path.ts';
import { printable } from '../lib/terminal-text.ts';
import { listAdvertised } from './advertised.ts';
import type { Environment } from './environment.ts';
import { filesEver } from './file-history.ts';
import type { CodeState, Git } from './git.ts';
import { directoriesAt, isObjectId, readObjects } from './objects.ts';
import { listReferences } from './references.ts';
import { createRunGit, hashGitOutput, streamGitOutput, type GitPlace, type RunGit } from './run-git.ts';
import {
  absentFromHead,
  isRebasing,
  listIndex,
  listTree,
  newCommits,
  readTrees,
  stagedChanges,
} from './snapshots.ts';
import { parseStatus, type WorkTreeStatus } from './status.ts';

export interface CreateGitOptions {
  /** Where git runs; any directory of the work tree. */
  directory: string;
  env: Environment;
  /** True only for a command that git itself started as a hook; then GIT_DIR and GIT_INDEX_FILE are passed on. */
  insideHook?: boolean;
  /** How long to wait for another git command that holds the index, in milliseconds; default 5,000. */
  indexWaitMs?: number;
}

const INDEX_WAIT_MS = 5000;

/**
 * All that a user's configuration could change in a diff is fixed, so that the same change gives the same bytes everywhere.
 */
const DIFF = [
  'diff',
  '--binary',
  '--full-index',
  '--no-ext-diff',
  '--no-textconv',
  '--no-renames',
  '--no-color',
  '--no-relative',
  '--no-indent-heuristic',
  '--diff-algorithm=myers',
  '--unified=3',
  '--inter-hunk-context=0',
  '--submodule=short',
  '--ignore-submodules=untracked',
  '--src-prefix=a/',
  '--dst-prefix=b/',
];

/** Everything but `.mlops`, which changes with every command of this program. */
const OUTSIDE_MLOPS = ['--', ':(top)', ':(top,exclude,literal).mlops'];

/** {@link Git} by way of the git program. */
export function createGit(options: CreateGitOptions): Git {
  const { directory, env, insideHook = false, indexWaitMs = INDEX_WAIT_MS } = options;
  const place: GitPlace = { directory, env, insideHook };
  const run = waitingForIndex(createRunGit(place), indexWaitMs);
  return {
    findRoot: (start) => findRoot(createRunGit({ ...place, directory: start })),
    codeState: () => codeState(run, place),
    uncommitted: (limit) => uncommitted(run, place, limit),
    identity: () => identity(run, env),
    stage: (paths) => stage(run, paths),
    async stageIgnored(paths) {
      if (paths.length === 0) return;
      await run(['add', '--force', '--verbose', ...FROM_STDIN], { access: 'write', input: pathList(paths) });
    },
    commit: (paths, message) => commit(run, paths, message),
    async hasCommit(id) {
      if (!isObjectId(id)) return false;
      const { exitCode } = await run(['cat-file', '-t', `${id}^{commit}`], { answers: [0, 128] });
      return exitCode === 0;
    },
    conflictSides: (path) => conflictSides(run, path),
    async ignoredBy(path) {
      return (await findIgnored(run, [path]))?.source;
    },
    async notIgnored(paths) {
      const found = await checkIgnore(run, paths);
      return found.filter(({ source }) => source === undefined).map(({ path }) => path);
    },
    references: ({ reflogSince } = {}) => listReferences(run, place, reflogSince),
    directoriesAt: (commits, path) => directoriesAt(place, commits, path),
    readTrees: (ids) => readTrees(place, ids),
    listTree: (id, path) => listTree(run, id, path),
    absentFromHead: (paths) => absentFromHead(run, paths),
    listIndex: (path) => listIndex(run, path),
    stagedChanges: (path) => stagedChanges(place, path),
    isRebasing: () => isRebasing(run, directory),
    readBlobs: (ids, visit) => readObjects(place, 'blob', ids, visit),
    newCommits: (tips, than) => newCommits(run, place, { tips, ...than }),
    partiallyFetched: () => partiallyFetched(run),
    remotes: async () => [...(await remoteUrls(run)).keys()],
    async advertised(remote) {
      const urls = (await remoteUrls(run)).get(remote) ?? [];
      return listAdvertised(run, place, { remote, urls });
    },
    filesEver: (path) => filesEver(place, path),
    async version() {
      const { stdout } = await run(['version']);
      return /\d+(?:\.\d+)+/.exec(stdout)?.[0] ?? stdout.trim();
    },
  };
}

/**
 * Repeats what failed because another git command was writing the index. Git itself gives up at once, and two commands of this
 * program that end together both add their files.
 */
function waitingForIndex(run: RunGit, waitMs: number): RunGit {
  return async (args, options = {}) => {
    const end = performance.now() + waitMs;
    for (let pause = 20; ; pause = Math.min(pause * 2, 300)) {
      try {
        return await run(args, options);
      } catch (error) {
        const locked = error instanceof MlopsError && error.code === 'GIT_LOCKED';
        if (!locked || performance.now() + pause > end) throw error;
        await delay(pause * (0.5 + Math.random()));
      }
    }
  };
}

async function findRoot(run: RunGit): Promise<string | undefined> {
  try {
    const { stdout } = await run(['rev-parse', '--show-toplevel']);
    return stdout === '' ? undefined : resolve(stdout.replace(/\r?\n$/, ''));
  } catch (error) {
    const outside = /not a git repository|must be run in a work tree|bare repository/i;
    if (error instanceof MlopsError && error.code === 'GIT_FAILED' && outside.test(error.message))
      return undefined;
    throw error;
  }
}

async function codeState(run: RunGit, place: GitPlace): Promise<CodeState> {
  const [status, tree, urls] = await Promise.all([
    readStatus(run),
    run(['rev-parse', '--verify', 'HEAD^{tree}'], { answers: [0, 128] }),
    readConfig(run, 'remote\\..*\\.url'),
  ]);
  const dirty = status.changed.some(isOutsideMlops);
  const state: CodeState = { dirty, untracked: status.untracked.filter(isOutsideMlops).length };
  if (status.commit !== undefined) {
    state.commit = status.commit;
    state.tree = tree.stdout.trim();
  }
  if (status.branch !== undefined) state.branch = status.branch;
  if (dirty) {
    const base = status.commit ?? (await emptyTree(run));
    state.diff = await hashGitOutput(place, [...DIFF, base, ...OUTSIDE_MLOPS]);
  }
  const remote = chooseRemote(urls);
  if (remote !== undefined) state.remote = redactUrl(remote);
  return state;
}

async function uncommitted(run: RunGit, place: GitPlace, limit: number): Promise<Uint8Array | undefined> {
  const status = await readStatus(run);
  const args = [...DIFF, status.commit ?? (await emptyTree(run)), ...OUTSIDE_MLOPS];
  const pieces: Buffer[] = [];
  let length = 0;
  await streamGitOutput(place, args, {
    onBytes: (bytes) => {
      length += bytes.length;
      // The rest is read and dropped: git would report a closed pipe as a failure.
      if (length <= limit) pieces.push(bytes);
    },
  });
  return length > limit ? undefined : Buffer.concat(pieces);
}

async function readStatus(run: RunGit): Promise<WorkTreeStatus> {
  const { stdout } = await run([
    'status',
    '--porcelain=v2',
    '--branch',
    '-z',
    '--untracked-files=all',
    '--no-renames',
    '--ignore-submodules=untracked',
  ]);
  return parseStatus(stdout);
}

/** What a first commit is compared with; its id depends on the hash function of the repository. */
async function emptyTree(run: RunGit): Promise<string> {
  const { stdout } = await run(['hash-object', '-t', 'tree', '--stdin'], { input: '' });
  return stdout.trim();
}

function isOutsideMlops(path: string): boolean {
  return path !== '.mlops' && !path.startsWith('.mlops/');
}

/**
 * Settings whose whole key matches, in the order of the files that hold them. The format's version is asked for too, since
 * simple-git waits another 50 ms for a command that prints nothing.
 */
async function readConfig(run: RunGit, pattern: string): Promise<[key: string, value: string][]> {
  const keys = `^(${pattern}|core\\.repositoryformatversion)$`;
  const { stdout } = await run(['config', '-z', '--get-regexp', keys], { answers: [0, 1] });
  const settings: [string, string][] = [];
  for (const entry of stdout.split('\0')) {
    const end = entry.indexOf('\n');
    if (end > 0) settings.push([entry.slice(0, end), entry.slice(end + 1)]);
  }
  return settings;
}

/** The first URL of `origin`, else that of the only remote; paths of this machine mean nothing elsewhere and count as none. */
function chooseRemote(settings: readonly [key: string, value: string][]): string | undefined {
  const urls = new Map<string, string>();
  for (const [key, url] of settings) {
    if (!key.startsWith('remote.')) continue;
    const name = key.slice('remote.'.length, -'.url'.length);
    if (!urls.has(name) && !isLocalRemote(url)) urls.set(name, url);
  }
  return urls.get('origin') ?? (urls.size === 1 ? urls.values().next().value : undefined);
}

/** The addresses of each configured remote; none of one that has only other settings. */
async function remoteUrls(run: RunGit): Promise<Map<string, string[]>> {
  const urls = new Map<string, string[]>();
  for (const [key, value] of await readConfig(run, 'remote\\..*\\.(url|fetch)')) {
    const [, name, setting] = /^remote\.(.+)\.(url|fetch)$/s.exec(key) ?? [];
    if (name === undefined) continue;
    const known = urls.get(name) ?? [];
    urls.set(name, setting === 'url' ? [...known, value] : known);
  }
  return urls;
}

async function partiallyFetched(run: RunGit): Promise<string[]> {
  const complete = new Map<string, boolean>();
  for (const [key, value] of await readConfig(run, 'remote\\..*\\.(url|fetch)')) {
    const [, name, setting] = /^remote\.(.+)\.(url|fetch)$/s.exec(key) ?? [];
    if (name === undefined) continue;
    const everyBranch = setting === 'fetch' && /^\+?refs\/(?:heads\/)?\*:refs\//.test(value);
    complete.set(name, everyBranch || complete.get(name) === true);
  }
  return [...complete].flatMap(([name, isComplete]) => (isComplete ? [] : [name]));
}

/** Git's own order: the environment, then `author.*`, then `user.*`. */
async function identity(run: RunGit, env: Environment): Promise<string | undefined> {
  const settings = new Map(await readConfig(run, '(user|author)\\.(name|email)'));
  const name = clean(env['GIT_AUTHOR_NAME'] ?? settings.get('author.name') ?? settings.get('user.name'));
  const email = clean(env['GIT_AUTHOR_EMAIL'] ?? settings.get('author.email') ?? settings.get('user.email'));
  return name === '' || email === '' ? undefined : `${name} <${email}>`;
}

/** As git does, so that the parts can be told apart again. */
function clean(text: string | undefined): string {
  return (text ?? '').replace(/[\p{Cc}<>]/gu, '').trim();
}

/** NUL-separated for `--pathspec-from-file=- --pathspec-file-nul`: no limit of a command line, nothing is an option. */
function pathList(paths: readonly string[]): string {
  for (const path of paths) {
    const problem = path.startsWith('-') ? 'it starts with "-"' : unsafePathProblem(path);
    if (problem === undefined) continue;
    throw new RefusedError('UNSAFE_PATH', `unsafe path "${printable(path)}": ${problem}`);
  }
  return paths.map((path) => `${literal(path)}\0`).join('');
}

function literal(path: string): string {
  return `:(top,literal)${path}`;
}

const FROM_STDIN = ['--pathspec-from-file=-', '--pathspec-file-nul'];

async function stage(run: RunGit, paths: readonly string[]): Promise<void> {
  if (paths.length === 0) return;
  const input = pathList(paths);
  await assertNotIgnored(run, paths);
  // Nothing of this is ignored, but Git refuses tracked files below a directory that is, such as the runs that were kept.
  await run(['add', '--force', '--verbose', ...FROM_STDIN], { access: 'write', input });
}

/** Checked before anything is added, because `git add` adds the other paths before it fails. */
async function assertNotIgnored(run: RunGit, paths: readonly string[]): Promise<void> {
  const ignored = await findIgnored(run, paths);
  if (ignored === undefined) return;
  const path = printable(ignored.path);
  throw new UsageError('PATH_IGNORED', `${path} is ignored by Git, so it can't be committed`, {
    hint: `find the rule with \`git check-ignore -v ${path}\` and remove it`,
  });
}

/** The first of the paths that Git ignores, and the file whose rule says so, as Git names it. */
async function findIgnored(
  run: RunGit,
  paths: readonly string[],
): Promise<{ path: string; source: string } | undefined> {
  for (const { path, source } of await checkIgnore(run, paths)) {
    if (source !== undefined) return { path, source };
  }
  return undefined;
}

/** Each of the paths with the file whose rule makes Git ignore it, as Git names it; undefined when none does. */
async function checkIgnore(
  run: RunGit,
  paths: readonly string[],
): Promise<{ path: string; source: string | undefined }[]> {
  if (paths.length === 0) return [];
  const { stdout: root } = await run(['rev-parse', '--show-cdup']);
  // A path that starts with "./" or "../" is never taken for a pattern.
  const prefix = root.trim() === '' ? './' : root.trim();
  const input = paths.map((path) => `${prefix}${path}\0`).join('');
  const args = ['check-ignore', '--verbose', '--non-matching', '-z', '--stdin'];
  const { stdout } = await run(args, { input, answers: [0, 1] });
  // The fields are source, line, pattern and path of each path; a pattern that starts with "!" takes it back.
  const fields = stdout.split('\0');
  const found: { path: string; source: string | undefined }[] = [];
  for (let index = 0; index + 3 < fields.length; index += 4) {
    const [source = '', , pattern = '', path = ''] = fields.slice(index, index + 4);
    const ignores = pattern !== '' && !pattern.startsWith('!');
    found.push({ path: path.slice(prefix.length), source: ignores ? source : undefined });
  }
  return found;
}

async function commit(run: RunGit, paths: readonly string[], message: string): Promise<string> {
  if (paths.length === 0) throw new UsageError('NOTHING_TO_COMMIT', 'there is nothing to commit');
  await assertNoMerge(run);
  await stage(run, paths);
  const specs = paths.map(literal);
  const list = ['diff', '--cached', '--name-only', '-z', '--no-ext-diff', '--no-renames', '--no-relative'];
  const { stdout: names } = await run([...list, '--', ...specs]);
  // A file that was staged and removed before its first commit is known to nobody, and `commit` would not take its name.
  const changed = names.split('\0').filter((name) => name !== '');
  if (changed.length > 0) {
    const args = ['commit', '--only', `--message=${message}`, ...FROM_STDIN];
    await run(args, { access: 'commit', input: pathList(changed) });
  }
  const { stdout } = await run(['rev-parse', '--verify', 'HEAD']);
  return stdout.trim();
}

/** Git can commit some of the paths only outside of a merge or a cherry-pick. */
async function assertNoMerge(run: RunGit): Promise<void> {
  const heads = { MERGE_HEAD: 'merge', CHERRY_PICK_HEAD: 'cherry-pick' };
  for (const [ref, name] of Object.entries(heads)) {
    const { exitCode } = await run(['rev-parse', '--verify', ref], { answers: [0, 128] });
    if (exitCode !== 0) continue;
    throw new ConflictError(
      'MERGE_IN_PROGRESS',
      `a ${name} is in progress, so Git can't commit single files`,
      {
        hint: `finish it with \`git ${name} --continue\`, or run the command without --commit`,
      },
    );
  }
}

async function conflictSides(run: RunGit, path: string): ReturnType<Git['conflictSides']> {
  pathList([path]);
  const { stdout } = await run(['ls-files', '--stage', '-z', '--', literal(path)]);
  const ids = new Map<string, string>();
  for (const entry of stdout.split('\0')) {
    const found = /^\d+ ([0-9a-f]+) ([123])\t/.exec(entry);
    if (found?.[1] !== undefined && found[2] !== undefined) ids.set(found[2], found[1]);
  }
  const read = async (id: string | undefined): Promise<string | undefined> =>
    id === undefined ? undefined : (await run(['cat-file', 'blob', id])).stdout;
  const [ours, theirs] = await Promise.all([read(ids.get('2')), read(ids.get('3'))]);
  return { ours, theirs };
}
