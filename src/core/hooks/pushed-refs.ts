import { InterruptedError, MlopsError, UsageError } from '../../errors.ts';
import type { Git } from '../../git/git.ts';
import { printable } from '../../lib/terminal-text.ts';
import { NeedsReader, type Needs } from '../repository/documents-at.ts';
import { DATA_DIRECTORY, FORMAT_PATH, MLOPS_DIRECTORY, MODELS_DIRECTORY } from '../repository/layout.ts';
import type { NeededArtifact } from '../repository/needed-artifacts.ts';

/** What `git push` is about to send, as it tells the pre-push hook. */
export interface PushedRefs {
  /** Name of the Git remote, or its URL when it has no name; undefined when nobody said. */
  remote: string | undefined;
  /** Ids of commits or tags; refs that are deleted have none. */
  tips: readonly string[];
  /** Where the refs stand on the remote, as far as it has them. This clone may not know all of them. */
  known: readonly string[];
}

const NO_ID = /^0+$/;
const ID = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;
const LINE = /^.* (?<local>[0-9a-f]{40}|[0-9a-f]{64}) \S+ (?<remote>[0-9a-f]{40}|[0-9a-f]{64})$/;

/**
 * @param input `<local ref> <local id> <remote ref> <remote id>`, one line a ref
 * @throws UsageError `HOOK_INPUT_INVALID`
 */
export function parsePushedRefs(input: string, remote: string | undefined): PushedRefs {
  const tips = new Set<string>();
  const known = new Set<string>();
  for (const line of input.split(/\r?\n/)) {
    if (line.trim() === '') continue;
    const found = LINE.exec(line)?.groups;
    if (found?.['local'] === undefined || found['remote'] === undefined) {
      throw new UsageError(
        'HOOK_INPUT_INVALID',
        `"${printable(line.slice(0, 200))}" is no line of a pre-push hook`,
        {
          hint: 'Git gives the hook "<local ref> <local id> <remote ref> <remote id>" on stdin',
        },
      );
    }
    if (!NO_ID.test(found['local'])) tips.add(found['local']);
    if (!NO_ID.test(found['remote'])) known.add(found['remote']);
  }
  return { remote, tips: [...tips], known: [...known] };
}

/**
 * As far as the tool pre-commit tells its hooks, which is in the environment and of the first ref only.
 * @param env `PRE_COMMIT_TO_REF` and others; without them nothing is pushed
 */
export async function refsOfPreCommit(
  git: Git,
  env: Readonly<Record<string, string | undefined>>,
): Promise<PushedRefs> {
  const remote = env['PRE_COMMIT_REMOTE_NAME'];
  const { PRE_COMMIT_TO_REF: to, PRE_COMMIT_FROM_REF: from, PRE_COMMIT_LOCAL_BRANCH: ref } = env;
  const known = from !== undefined && ID.test(from) ? [from] : [];
  if (to !== undefined && ID.test(to)) return { remote, tips: [to], known };
  // For a whole new history it names the ref alone.
  const name = ref?.replace(/^refs\/(?:heads|tags)\//, '');
  const found = name === undefined ? [] : (await git.references()).filter((each) => each.name === name);
  return { remote, tips: found.slice(0, 1).map(({ commit }) => commit), known };
}

/** Artifacts that the commits need which a push would add. */
export interface PushNeeds {
  /** Of the refs as they will stand: the push is worth nothing without them. */
  required: readonly NeededArtifact[];
  /** Of commits in between, and what versions came from; may be gone, or may never have been stored. */
  optional: readonly NeededArtifact[];
  /** Why what lies in between could not be read. */
  warning: string | undefined;
}

const NOTHING: PushNeeds = { required: [], optional: [], warning: undefined };
const REQUIRED_KINDS: ReadonlySet<NeededArtifact['kind']> = new Set(['version', 'stage', 'data']);

/**
 * What a push needs beyond what the commits need that the Git remote has already. Asks no one but the local Git.
 * @throws MlopsError for a document of a pushed ref that can't be read
 */
export async function neededByPush(git: Git, { remote, tips, known }: PushedRefs): Promise<PushNeeds> {
  if (tips.length === 0) return NOTHING;
  const commits = await git.newCommits(tips, { known, ...(remote === undefined ? {} : { remote }) });
  if (commits.length === 0) return NOTHING;
  const reader = new NeedsReader(git);
  const wanted = flatten(await reader.ofCommits(tips));
  const between = await flattenOr(() => reader.ofCommits(commits));
  if (wanted.size === 0 && between.needs.size === 0) return NOTHING;
  const there = await flattenOr(async () =>
    reader.ofCommits([...(await trackedTips(git, remote)), ...known]),
  );
  const required: NeededArtifact[] = [];
  const optional: NeededArtifact[] = [];
  for (const [digest, need] of new Map([...between.needs, ...wanted])) {
    if (there.needs.has(digest)) continue;
    const isRequired = wanted.has(digest) && REQUIRED_KINDS.has(need.kind);
    (isRequired ? required : optional).push(need);
  }
  return { required, optional, warning: between.problem };
}

const NEEDS_FORMAT: ReadonlySet<string> = new Set([MODELS_DIRECTORY, DATA_DIRECTORY]);

/**
 * Those of the pushed commits that have documents of a registry but no format.json, so that every command in a clone of them would
 * say that there is no registry. Nothing where the push adds no commit.
 */
export async function tipsWithoutFormat(git: Git, { remote, tips, known }: PushedRefs): Promise<string[]> {
  if (tips.length === 0) return [];
  const commits = await git.newCommits(tips, { known, ...(remote === undefined ? {} : { remote }) });
  if (commits.length === 0) return [];
  const roots = await git.directoriesAt(tips, MLOPS_DIRECTORY);
  const trees = await git.readTrees([...new Set(roots.values())]);
  return tips.filter((tip) => {
    const names = (trees.get(roots.get(tip) ?? '') ?? []).map(({ path }) => path);
    return !names.includes(FORMAT_PATH) && names.some((name) => NEEDS_FORMAT.has(name));
  });
}

async function trackedTips(git: Git, remote: string | undefined): Promise<string[]> {
  const references = remote === undefined ? [] : await git.references();
  return references
    .filter(({ kind, name }) => kind === 'remote-branch' && name.startsWith(`${remote}/`))
    .map(({ commit }) => commit);
}

/** A digest that several documents need stands under the need that weighs most. */
function flatten(needs: ReadonlyMap<string, Needs>): Map<string, NeededArtifact> {
  const found = new Map<string, NeededArtifact>();
  for (const parts of needs.values()) {
    for (const part of parts) {
      for (const need of part) {
        const before = found.get(need.digest);
        if (before === undefined || !REQUIRED_KINDS.has(before.kind)) found.set(need.digest, need);
      }
    }
  }
  return found;
}

/** What can't be read in the past must not keep anybody from pushing what is right today. */
async function flattenOr(
  read: () => Promise<ReadonlyMap<string, Needs>>,
): Promise<{ needs: Map<string, NeededArtifact>; problem: string | undefined }> {
  try {
    return { needs: flatten(await read()), problem: undefined };
  } catch (error) {
    if (!(error instanceof MlopsError) || error instanceof InterruptedError) throw error;
    return { needs: new Map(), problem: error.message };
  }
}
