import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Git, StagedChange, TreeEntry } from './git.ts';
import { assertObjectId, parseEntries, parseTree, readObjects, resolveNames } from './objects.ts';
import { streamGitOutput, type GitPlace, type RunGit } from './run-git.ts';

/** See `Git.readTrees`. */
export async function readTrees(place: GitPlace, ids: readonly string[]): ReturnType<Git['readTrees']> {
  const trees = new Map<string, TreeEntry[]>();
  await readObjects(place, 'tree', [...new Set(ids)], (id, bytes) => trees.set(id, parseTree(bytes, id)));
  return trees;
}

/** See `Git.listTree`. */
export async function listTree(run: RunGit, commit: string, directory: string): Promise<TreeEntry[]> {
  assertObjectId(commit);
  const args = ['ls-tree', '-r', '-z', '--full-tree', '--end-of-options', commit, '--', `${directory}/`];
  return parseEntries((await run(args)).stdout);
}

/** See `Git.absentFromHead`. */
export async function absentFromHead(run: RunGit, paths: readonly string[]): Promise<string[]> {
  const args = ['ls-tree', '-z', '--name-only', '--full-tree', 'HEAD', '--', ...paths];
  // 128: there is no commit yet.
  const { stdout } = await run(args, { answers: [0, 128] });
  const there = new Set(stdout.split('\0'));
  return paths.filter((path) => !there.has(path));
}

/** See `Git.listIndex`. */
export async function listIndex(run: RunGit, directory: string): Promise<TreeEntry[]> {
  const args = ['ls-files', '--stage', '-z', '--full-name', '--', `:(top,literal)${directory}`];
  return parseEntries((await run(args)).stdout);
}

const NO_ID = /^0+$/;

/** See `Git.stagedChanges`. */
export async function stagedChanges(place: GitPlace, directory: string): Promise<StagedChange[]> {
  const args = ['diff', '--cached', '--raw', '-z', '--no-abbrev', '--no-renames', '--no-ext-diff'];
  const chunks: Buffer[] = [];
  // Most commits change nothing here, and simple-git takes its time over a command that prints nothing.
  await streamGitOutput(place, [...args, '--', `:(top,literal)${directory}`], {
    onBytes: (bytes) => void chunks.push(bytes),
  });
  const fields = Buffer.concat(chunks).toString('utf8').split('\0');
  const changes: StagedChange[] = [];
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const [, mode = '', id = '', status = ''] =
      /^:\d{6} (\d{6}) \w+ (\w+) (\w)/.exec(fields[index] ?? '') ?? [];
    const path = fields[index + 1] ?? '';
    if (NO_ID.test(id))
      changes.push({ path, change: status === 'U' ? 'unmerged' : 'deleted', entry: undefined });
    else {
      assertObjectId(id);
      changes.push({ path, change: status === 'A' ? 'added' : 'modified', entry: { path, mode, id } });
    }
  }
  return changes;
}

/** See `Git.isRebasing`. */
export async function isRebasing(run: RunGit, directory: string): Promise<boolean> {
  const { stdout } = await run(['rev-parse', '--git-path', 'rebase-merge', '--git-path', 'rebase-apply']);
  return stdout.split('\n').some((path) => path !== '' && existsSync(resolve(directory, path)));
}

interface NewCommits {
  tips: readonly string[];
  known?: readonly string[];
  remote?: string;
}

/** See `Git.newCommits`. */
export async function newCommits(
  run: RunGit,
  place: GitPlace,
  { tips, known = [], remote }: NewCommits,
): Promise<string[]> {
  for (const id of [...tips, ...known]) assertObjectId(id);
  if (tips.length === 0) return [];
  const here = await resolveNames(place, known);
  const excluded = [...here.keys(), ...(remote === undefined ? [] : await trackedTips(run, remote))];
  // Ids alone on stdin: nothing that somebody chose is read as an option or a pattern there.
  const input = [...tips, ...excluded.map((id) => `^${id}`)].map((line) => `${line}\n`).join('');
  const { stdout } = await run(['rev-list', '--stdin'], { input });
  return stdout.split('\n').filter((line) => line !== '');
}

/** Where the remote's branches stood when this clone last asked. */
async function trackedTips(run: RunGit, remote: string): Promise<string[]> {
  const prefix = `refs/remotes/${remote}/`;
  const { stdout } = await run(['for-each-ref', '--format=%(objectname) %(refname)', 'refs/remotes/']);
  return stdout.split('\n').flatMap((line) => {
    const [id, name] = line.split(' ');
    return id !== undefined && name?.startsWith(prefix) === true ? [id] : [];
  });
}
