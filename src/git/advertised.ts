import { MlopsError, RemoteError, UsageError } from '../errors.ts';
import { redactUrl } from '../lib/redact-url.ts';
import { printable } from '../lib/terminal-text.ts';
import type { AdvertisedReferences, GitReference } from './git.ts';
import { isObjectId, resolveNames } from './objects.ts';
import type { GitPlace, RunGit } from './run-git.ts';

const PEELED = '^{}';

/**
 * See `Git.advertised`.
 *
 * @param urls the addresses of the remote, which git may repeat in its words with whatever secret is in them
 */
export async function listAdvertised(
  run: RunGit,
  place: GitPlace,
  { remote, urls }: { remote: string; urls: readonly string[] },
): Promise<AdvertisedReferences> {
  const ids = parseAdvertised(await ask(run, remote, urls));
  const found = await resolveNames(
    place,
    [...new Set(ids.values())].map((id) => `${id}${PEELED}`),
  );
  const known: GitReference[] = [];
  const unknown: string[] = [];
  for (const [ref, id] of ids) {
    const object = found.get(`${id}${PEELED}`);
    const isTag = ref.startsWith('refs/tags/');
    const name = ref.replace(/^refs\/(?:heads|tags)\//, '');
    if (object === undefined) unknown.push(name);
    else if (object.type !== 'blob') {
      known.push({
        kind: isTag ? 'tag' : 'remote-branch',
        name: isTag ? name : `${remote}/${name}`,
        commit: object.id,
      });
    }
  }
  return { known, unknown };
}

async function ask(run: RunGit, remote: string, urls: readonly string[]): Promise<string> {
  try {
    return (await run(['ls-remote', '--heads', '--tags', '--', remote], { access: 'fetch' })).stdout;
  } catch (error) {
    if (!(error instanceof MlopsError) || error.code !== 'GIT_FAILED') throw error;
    const words = urls.reduce(
      (text, url) => text.replaceAll(printable(url), printable(redactUrl(url))),
      error.message,
    );
    const name = printable(remote);
    throw new RemoteError('GIT_REMOTE_FAILED', `the Git remote ${name} could not be asked: ${words}`, {
      hint: `check it: git ls-remote ${name}`,
      cause: error,
    });
  }
}

/** Object ids by name of the ref; of a tag that names another object, the id of that one. */
function parseAdvertised(output: string): Map<string, string> {
  const ids = new Map<string, string>();
  for (const line of output.split('\n')) {
    if (line === '') continue;
    const [, id = '', ref = ''] = /^([0-9a-f]+)\t(refs\/(?:heads|tags)\/.+)$/.exec(line) ?? [];
    if (!isObjectId(id)) {
      const shown = printable(line.slice(0, 200));
      throw new UsageError('GIT_FAILED', `git ls-remote said something else: ${shown}`);
    }
    // The line of what a tag names follows that of the tag.
    ids.set(ref.endsWith(PEELED) ? ref.slice(0, -PEELED.length) : ref, id);
  }
  return ids;
}
