import { MlopsError, RemoteError, UsageError } from '../errors.ts';
import { redactUrl } from '../lib/redact-url.ts';
import { shellWord } from '../lib/shell-word.ts';
import { printable } from '../lib/terminal-text.ts';
import type { Environment } from './environment.ts';
import type { TreeEntry } from './git.ts';
import { readObjects } from './objects.ts';
import { createRunGit, type GitPlace, type RunGit } from './run-git.ts';
import { createGit } from './simple-git-adapter.ts';

export interface PartialFetchOptions {
  /** Whatever `git fetch` takes: an address, or the absolute path of a repository on this machine. */
  url: string;
  /** Branch, tag or full commit id; default what HEAD of that repository is. */
  revision?: string | undefined;
  /** An empty directory for what is fetched; the caller removes it. */
  scratch: string;
  env: Environment;
}

/** One commit of another repository, of which only what is asked for was fetched. */
export interface FetchedCommit {
  readonly commit: string;
  /** All files below a directory, as {@link import('./git.ts').Git.listTree} gives them; nothing of their content. */
  listTree(directory: string): Promise<TreeEntry[]>;
  /** Fetches these blobs in one request where they are not here yet, and reads them. */
  readBlobs(ids: readonly string[], visit: (id: string, bytes: Uint8Array) => void): Promise<void>;
}

const REMOTE = 'origin';
const UNSAFE_URL = /^-|[\u0000-\u001f\u007f]/;
const REVISION = /^(?![-/])(?!.*(?:\.\.|@\{|\/\/|\.lock$|[\u0000-\u0020\u007f~^:?*[\\]))[^\s]{1,250}$/;

/**
 * Fetches the newest commit of a branch of another repository: its trees, and none of its files (`--filter=blob:none`, depth 1). A
 * server that can't filter sends the files too; nothing else changes.
 *
 * @throws UsageError `GIT_URL_INVALID`, `REVISION_INVALID`, `REVISION_NOT_FOUND`; RemoteError `GIT_FETCH_FAILED`
 */
export async function fetchCommit(options: PartialFetchOptions): Promise<FetchedCommit> {
  const { url, revision = 'HEAD', scratch, env } = options;
  if (url === '' || UNSAFE_URL.test(url)) {
    throw new UsageError(
      'GIT_URL_INVALID',
      `"${printable(redactUrl(url))}" is no address of a Git repository`,
    );
  }
  if (!REVISION.test(revision)) {
    throw new UsageError('REVISION_INVALID', `"${printable(revision)}" is no branch, tag or commit id`);
  }
  const place: GitPlace = { directory: scratch, env, insideHook: false };
  const run = createRunGit(place);
  await run(['init', '--quiet'], { access: 'write' });
  await run(['remote', 'add', '--', REMOTE, url], { access: 'write' });
  await run(['config', `remote.${REMOTE}.promisor`, 'true'], { access: 'write' });
  await run(['config', `remote.${REMOTE}.partialclonefilter`, 'blob:none'], { access: 'write' });
  await fetchFrom(run, url, ['--depth=1', '--filter=blob:none', REMOTE, revision]);
  const { stdout } = await run(['rev-parse', '--verify', 'FETCH_HEAD^{commit}']);
  const commit = stdout.trim();
  const git = createGit({ directory: scratch, env });
  return {
    commit,
    listTree: (directory) => git.listTree(commit, directory),
    async readBlobs(ids, visit) {
      const wanted = [...new Set(ids)];
      const missing = await missingObjects(run, commit, wanted);
      if (missing.length > 0) await fetchBlobs(run, url, missing);
      await readObjects(place, 'blob', wanted, visit);
    },
  };
}

const QUIET = ['--quiet', '--no-tags', '--no-recurse-submodules', '--no-auto-maintenance'];

async function fetchFrom(run: RunGit, url: string, args: readonly string[], input?: string): Promise<void> {
  try {
    await run(['fetch', ...QUIET, ...args], {
      access: 'fetch',
      ...(input === undefined ? {} : { input }),
    });
  } catch (error) {
    if (!(error instanceof MlopsError) || error.code !== 'GIT_FAILED') throw error;
    throw describe(error, url);
  }
}

function describe(error: MlopsError, url: string): MlopsError {
  const shown = printable(redactUrl(url));
  const word = shellWord(redactUrl(url));
  // Git repeats the address in its words, with whatever secret was typed into it.
  const words = error.message.replaceAll(printable(url), shown);
  if (/couldn't find remote ref|not our ref/i.test(words)) {
    return new UsageError('REVISION_NOT_FOUND', `${shown} has no such branch, tag or commit: ${words}`, {
      hint: `see what there is: git ls-remote ${word}`,
      cause: error,
    });
  }
  return new RemoteError('GIT_FETCH_FAILED', `${shown} could not be fetched: ${words}`, {
    hint: `check the address and your access: git ls-remote ${word}`,
    cause: error,
  });
}

/** Which of the objects are not in the scratch repository. Where a clone is partial, `cat-file` would fail at the first of them. */
async function missingObjects(run: RunGit, commit: string, ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0) return [];
  const { stdout } = await run(['rev-list', '--objects', '--no-object-names', '--missing=print', commit]);
  const missing = new Set(stdout.split('\n').filter((line) => line.startsWith('?')));
  return ids.filter((id) => missing.has(`?${id}`));
}

/** As git itself fetches what a partial clone lacks: all ids in one request, without saying what is here already. */
async function fetchBlobs(run: RunGit, url: string, ids: readonly string[]): Promise<void> {
  const args = ['--no-write-fetch-head', '--filter=blob:none', '--stdin', REMOTE];
  await fetchFrom(run, url, args, ids.map((id) => `${id}\n`).join(''));
}
