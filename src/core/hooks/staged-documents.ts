import { parseConfigFile } from '../../config/load.ts';
import { ConflictError, ExitCode, IntegrityError, MlopsError, RefusedError } from '../../errors.ts';
import type { Git, StagedChange, TreeEntry } from '../../git/git.ts';
import { parseJson } from '../../lib/parse-json.ts';
import { shellWord } from '../../lib/shell-word.ts';
import { printable } from '../../lib/terminal-text.ts';
import { parseEvent } from '../audit/event.ts';
import { parseRepositoryEvent } from '../audit/repository-event.ts';
import { parseModelDocument } from '../registry/model-document.ts';
import { DRIFT_REPORTS_DIRECTORY, FORMAT_PATH, gitPath, MLOPS_DIRECTORY } from '../repository/layout.ts';
import { documentNeeds } from '../repository/needed-artifacts.ts';
import { findSecrets } from '../repository/secrets.ts';
import { problemOf, type HookProblem } from './problem.ts';
import { halfChanges, type StagedDocument } from './staged-halves.ts';

/** Directories and files of `.mlops` that belong to one clone. */
const OF_THIS_CLONE = /^(?:cache|tmp)(?:\/|$)|^local\.json$/i;
const IMMUTABLE = /^(?:models\/[^/]+\/(?:versions|events)|events)\/[^/]+$/;
/** May be removed, unlike records and events, but not edited. */
const REPORTS = `${DRIFT_REPORTS_DIRECTORY}/`;
const FILE_MODES: ReadonlySet<string> = new Set(['100644', '100755']);

/**
 * What is wrong with what is staged below `.mlops`: documents that no reader would take, history that was edited, files of one
 * clone, halves of a change, and secrets.
 *
 * @param allowedSecrets fingerprints as `findSecrets` gives them
 */
export async function checkStagedDocuments(
  git: Git,
  changes: readonly StagedChange[],
  allowedSecrets: readonly string[],
): Promise<HookProblem[]> {
  const problems: HookProblem[] = [];
  const givenUp = changes.some(({ path, change }) => path === gitPath(FORMAT_PATH) && change === 'deleted');
  const wanted: TreeEntry[] = [];
  for (const each of changes) {
    const problem = changeProblem(each, givenUp);
    if (problem !== undefined) problems.push(problemOf(problem, each.path));
    else if (each.entry !== undefined) wanted.push(each.entry);
  }
  const documents = await readDocuments(git, wanted, changes);
  const parseReport = await reportParser(documents);
  for (const document of documents) {
    const path = gitPath(document.path);
    problems.push(...attempt(path, () => parseStaged(document, parseReport)));
    for (const secret of secretsIn(document, allowedSecrets)) problems.push(secret);
  }
  problems.push(...(await halfChanges(git, documents)));
  return problems.toSorted(byPlace);
}

function byPlace(first: HookProblem, second: HookProblem): number {
  const [one, other] = [first.path ?? '', second.path ?? ''];
  if (one !== other) return one < other ? -1 : 1;
  return (first.line ?? 0) - (second.line ?? 0);
}

/** What can be told without reading the file. */
function changeProblem({ path, change, entry }: StagedChange, givenUp: boolean): MlopsError | undefined {
  // From the root of the work tree, wherever the person is.
  const magic = /[*?[\\]/.test(path) ? ':(top,literal)' : ':/';
  const [file, word] = [printable(path), shellWord(`${magic}${path}`)];
  const below = path.slice(MLOPS_DIRECTORY.length + 1);
  if (change === 'unmerged') {
    return new ConflictError('MERGE_CONFLICT', `${file}: two branches changed it and nobody settled it`, {
      hint: 'settle it in Git, or see `mlops doctor` for the command that settles a stage',
      retryable: false,
    });
  }
  if (change === 'deleted') {
    if (givenUp || !IMMUTABLE.test(below)) return undefined;
    return new RefusedError(
      'HISTORY_REMOVED',
      `${file} is staged for removal; records and events are kept for ever`,
      {
        hint: `git restore --staged --worktree -- ${word}; to take a version out of the registry: mlops delete`,
      },
    );
  }
  if (OF_THIS_CLONE.test(below)) {
    return new RefusedError('CLONE_FILE_STAGED', `${file} belongs to this clone and is not for a commit`, {
      hint: `git rm -r --cached --quiet -- ${word}; .mlops/.gitignore keeps it out`,
    });
  }
  if (entry !== undefined && !FILE_MODES.has(entry.mode)) {
    return new RefusedError(
      'UNSAFE_PATH',
      `${file} is ${entry.mode === '120000' ? 'a symbolic link' : 'no file'}`,
      {
        hint: `git rm --cached --quiet -- ${word}`,
      },
    );
  }
  if (change === 'modified' && (IMMUTABLE.test(below) || below.startsWith(REPORTS))) {
    const kinds = below.startsWith(REPORTS) ? 'kept reports' : 'records and events';
    return new IntegrityError('HISTORY_CHANGED', `${file} was changed; ${kinds} are never edited`, {
      hint: `git restore --staged --worktree -- ${word}; what is to change is a new version or a new event`,
    });
  }
  return undefined;
}

async function readDocuments(
  git: Git,
  wanted: readonly TreeEntry[],
  changes: readonly StagedChange[],
): Promise<StagedDocument[]> {
  const bytesOf = new Map<string, Uint8Array>();
  await git.readBlobs(
    [...new Set(wanted.map(({ id }) => id))],
    (id, bytes) => void bytesOf.set(id, Buffer.from(bytes)),
  );
  const kinds = new Map(changes.map(({ path, change }) => [path, change]));
  return wanted.map(({ path, id }) => ({
    path: path.slice(MLOPS_DIRECTORY.length + 1),
    bytes: bytesOf.get(id) ?? new Uint8Array(),
    change: kinds.get(path) ?? 'added',
  }));
}

function attempt(path: string, parse: () => unknown): HookProblem[] {
  try {
    parse();
    return [];
  } catch (error) {
    if (error instanceof MlopsError) return [problemOf(error, path)];
    throw error;
  }
}

type ParseReport = (bytes: Uint8Array, name: string) => unknown;

/** The schema of reports takes a while to build, and few commits hold one. */
async function reportParser(documents: readonly StagedDocument[]): Promise<ParseReport> {
  if (!documents.some(({ path }) => path.startsWith(REPORTS))) return () => undefined;
  return (await import('../drift/reports/kept-report.ts')).parseReport;
}

/** Reads the document as whoever checks the commit out will. @throws MlopsError */
function parseStaged({ path, bytes }: StagedDocument, parseReport: ParseReport): void {
  const [top = '', model = '', kind = '', name = '', ...rest] = path.split('/');
  if (!path.endsWith('.json')) {
    assertNoMarkers(bytes, gitPath(path));
  } else if (path === 'config.json') {
    parseConfigFile(bytes, 'config.json');
  } else if (top === 'events' && kind === '') {
    parseRepositoryEvent(bytes, model);
  } else if (path.startsWith(REPORTS)) {
    parseReport(bytes, path.slice(REPORTS.length));
  } else if (top === 'models' && kind === 'events' && rest.length === 0) {
    parseEvent(bytes, { model, name });
  } else if (top === 'models' && kind === 'model.json' && name === '') {
    parseModelDocument(bytes, model);
  } else {
    documentNeeds(path, bytes);
    parseJson(bytes, { source: gitPath(path) });
  }
}

function assertNoMarkers(bytes: Uint8Array, path: string): void {
  const text = Buffer.from(bytes).toString('latin1');
  const marker = /^(?:<{7}|>{7})(?: |\r?$)/m.exec(text);
  if (marker === null) return;
  const line = text.slice(0, marker.index).split('\n').length;
  throw new ConflictError(
    'MERGE_CONFLICT',
    `${path}:${line}: the file holds an unresolved Git merge conflict`,
    {
      hint: 'settle it in Git and stage the file again',
      retryable: false,
    },
  );
}

function* secretsIn({ path, bytes }: StagedDocument, allowed: readonly string[]): Generator<HookProblem> {
  const file = gitPath(path);
  for (const { line, kind, fingerprint } of findSecrets(Buffer.from(bytes).toString('utf8'))) {
    if (allowed.includes(fingerprint)) continue;
    const list = [...allowed, fingerprint].join(',');
    // Such a file can't be edited, but nobody has it yet.
    const takeOut = IMMUTABLE.test(path)
      ? `remove it and the event or record that was written with it (git rm --force), and run the command again without the secret`
      : 'take it out';
    yield {
      code: 'SECRET_STAGED',
      path: file,
      line,
      message: `${printable(file)}:${line}: looks like ${kind}; what is committed once stays in the history`,
      hint: `${takeOut}; change the secret if it was shared; if it is none: mlops config set hooks.allowedSecrets ${list}`,
      exitCode: ExitCode.refused,
    };
  }
}
