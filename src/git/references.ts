import { LocalIoError, UsageError } from '../errors.ts';
import { printable } from '../lib/terminal-text.ts';
import type { GitReference, ReferenceKind } from './git.ts';
import { isObjectId, resolveNames } from './objects.ts';
import type { GitPlace, RunGit } from './run-git.ts';

/** What a merge, a rebase or a pull in progress leaves behind; `rebase-*` may hold stashed changes that no stash lists. */
const IN_PROGRESS = [
  'HEAD',
  'ORIG_HEAD',
  'MERGE_HEAD',
  'CHERRY_PICK_HEAD',
  'REVERT_HEAD',
  'REBASE_HEAD',
  'FETCH_HEAD',
  'rebase-merge/autostash',
  'rebase-apply/autostash',
];

interface Named {
  kind: ReferenceKind;
  name: string;
  id: string;
}

/**
 * Everything that leads to a commit in this clone; see `Git.references`.
 *
 * @param reflogSince milliseconds since 1970
 */
export async function listReferences(
  run: RunGit,
  place: GitPlace,
  reflogSince: number | undefined,
): Promise<GitReference[]> {
  const named = [
    ...(await listRefs(run)),
    ...(await listWorktrees(run)),
    ...(await listInProgress(place)),
    ...(await listStash(run, place)),
    ...(reflogSince === undefined ? [] : await listReflogs(run, reflogSince)),
  ];
  return peel(place, named);
}

async function listRefs(run: RunGit): Promise<Named[]> {
  const { stdout } = await run(['for-each-ref', '--format=%(objectname) %(refname)']);
  return lines(stdout).map((line) => {
    const [, id = '', ref = ''] = /^([0-9a-f]+) (.+)$/.exec(line) ?? [];
    if (!isObjectId(id)) throw misunderstood('for-each-ref', line);
    return { id, ...nameRef(ref) };
  });
}

const PREFIXES: readonly [prefix: string, kind: ReferenceKind][] = [
  ['refs/heads/', 'branch'],
  ['refs/remotes/', 'remote-branch'],
  ['refs/tags/', 'tag'],
];

function nameRef(ref: string): Pick<Named, 'kind' | 'name'> {
  if (ref === 'refs/stash') return { kind: 'stash', name: 'stash@{0}' };
  for (const [prefix, kind] of PREFIXES) {
    if (ref.startsWith(prefix)) return { kind, name: ref.slice(prefix.length) };
  }
  return { kind: 'other', name: ref };
}

/** The HEAD of each work tree. `-z` is newer than the oldest Git in use, so a path with a newline is told by what follows. */
async function listWorktrees(run: RunGit): Promise<Named[]> {
  const { stdout } = await run(['worktree', 'list', '--porcelain']);
  const found: Named[] = [];
  let name = '';
  for (const line of lines(stdout)) {
    if (line.startsWith('worktree ')) name = line.slice('worktree '.length);
    const [, id] = /^HEAD ([0-9a-f]+)$/.exec(line) ?? [];
    // Zeros stand for a branch without a commit.
    if (id !== undefined && /[^0]/.test(id)) found.push({ kind: 'worktree', name, id });
  }
  return found;
}

async function listInProgress(place: GitPlace): Promise<Named[]> {
  const found = await resolveNames(place, IN_PROGRESS);
  return [...found].map(([name, { id }]) => ({ kind: 'worktree', name, id }));
}

/**
 * Each entry of the stash, with the index and the untracked files that belong to it: the second and the third parent of its
 * commit. Entries below the first are in the reflog only.
 */
async function listStash(run: RunGit, place: GitPlace): Promise<Named[]> {
  const stash = await resolveNames(place, ['refs/stash']);
  if (stash.size === 0) return [];
  const { stdout } = await run([
    'log',
    '--no-show-signature',
    '--walk-reflogs',
    '--format=%H %P',
    'refs/stash',
    '--',
  ]);
  return lines(stdout).flatMap((line, at) => {
    const [commit = '', , ...others] = line.split(' ');
    if (![commit, ...others].every(isObjectId)) throw misunderstood('log', line);
    return [commit, ...others].map((id): Named => ({ kind: 'stash', name: `stash@{${at}}`, id }));
  });
}

/**
 * Where each ref, and the HEAD of each work tree, stood within the time: the entries that are young enough, and for each ref the
 * one before them, which says what it stood at until then.
 */
async function listReflogs(run: RunGit, since: number): Promise<Named[]> {
  const args = [
    'log',
    '--no-show-signature',
    '--walk-reflogs',
    '--all',
    '--date=unix',
    '--format=%H %gD',
    '--',
  ];
  const { stdout } = await run(args);
  const done = new Set<string>();
  const seen = new Set<string>();
  const found: Named[] = [];
  for (const line of lines(stdout)) {
    const [, id = '', ref = '', seconds = ''] = /^([0-9a-f]+) (.+)@\{(\d+)\}$/.exec(line) ?? [];
    if (!isObjectId(id)) throw misunderstood('log', line);
    if (done.has(ref)) continue;
    const isYoung = Number(seconds) * 1000 >= since;
    if (!isYoung) done.add(ref);
    // The newest entry is where the ref stands now.
    if (!isYoung && !seen.has(ref)) continue;
    seen.add(ref);
    found.push({ kind: 'reflog', name: ref.replace(/^refs\/(heads|remotes|tags)\//, ''), id });
  }
  return found;
}

/** Tags may name tags that name commits or trees; what names neither holds no documents and is left out. */
async function peel(place: GitPlace, named: readonly Named[]): Promise<GitReference[]> {
  const ids = [...new Set(named.map(({ id }) => id))];
  const peeled = await resolveNames(
    place,
    ids.map((id) => `${id}^{}`),
  );
  const found: GitReference[] = [];
  for (const { kind, name, id } of named) {
    const object = peeled.get(`${id}^{}`);
    if (object === undefined) {
      throw new LocalIoError(
        'GIT_OBJECT_MISSING',
        `${printable(name)} names ${id}, which is not in this clone`,
        {
          hint: 'check the Git repository: git fsck',
        },
      );
    }
    if (object.type !== 'blob') found.push({ kind, name, commit: object.id });
  }
  return found;
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

function misunderstood(command: string, line: string): UsageError {
  return new UsageError('GIT_FAILED', `git ${command} said something else: ${printable(line.slice(0, 200))}`);
}
