import { ExitCode } from '../../errors.ts';
import type { Git } from '../../git/git.ts';
import { shellWord } from '../../lib/shell-word.ts';
import { printable } from '../../lib/terminal-text.ts';
import { dataStatus, type DataPathStatus } from '../data/status.ts';
import { gitPath, MLOPS_DIRECTORY, pointerPath } from '../repository/layout.ts';
import type { Repository } from '../repository/repository.ts';
import type { HookOutcome, HookProblem } from './problem.ts';
import { checkStagedDocuments } from './staged-documents.ts';

/**
 * Looks at what is about to be committed: staged documents below `.mlops`, and whether tracked data of the work tree is saved. Takes
 * time in proportion to what is staged; unchanged data costs a look at its files' times.
 *
 * @throws MlopsError when Git or the repository can't be read
 */
export async function preCommit(
  repository: Repository,
  { signal }: { signal: AbortSignal },
): Promise<HookOutcome> {
  const git = await repository.git();
  const { allowedSecrets, requireSavedData } = repository.config.hooks;
  const [changes, data] = await Promise.all([
    git.stagedChanges(MLOPS_DIRECTORY),
    dataStatus(repository, { signal }),
  ]);
  const problems = changes.length === 0 ? [] : await checkStagedDocuments(git, changes, allowedSecrets);
  const unsaved = data.filter(({ state }) => state === 'modified').map(unsavedProblem);
  const warnings = data.length === 0 ? [] : await unstagedPointers(git, data);
  return requireSavedData
    ? { problems: [...problems, ...unsaved], warnings, done: undefined }
    : { problems, warnings: [...unsaved.map(({ message }) => message), ...warnings], done: undefined };
}

function unsavedProblem({ path, changes = [] }: DataPathStatus): HookProblem {
  const [name, word] = [printable(path), shellWord(path)];
  const files = changes.length > 1 ? ` (${changes.length} files)` : '';
  return {
    code: 'DATA_NOT_SAVED',
    path,
    line: undefined,
    message: `${name} was changed${files} and is saved nowhere, so the commit would not say what it was made with`,
    hint: `save it: mlops data add ${word}; or go back: mlops checkout --force ${word}; to be warned only: mlops config set hooks.requireSavedData false --local`,
    exitCode: ExitCode.no,
  };
}

/** Data that is saved, but whose pointer the commit would not hold. */
async function unstagedPointers(git: Git, data: readonly DataPathStatus[]): Promise<string[]> {
  const staged = new Map((await git.listIndex(gitPath('data'))).map(({ path, id }) => [path, id]));
  const digests = new Map<string, string>();
  await git.readBlobs([...new Set(staged.values())], (id, bytes) => {
    const digest = /"digest": "(sha256:[0-9a-f]{64})"/.exec(Buffer.from(bytes).toString('latin1'))?.[1];
    if (digest !== undefined) digests.set(id, digest);
  });
  const warnings: string[] = [];
  for (const { path, pointer } of data) {
    if (pointer === undefined) continue;
    const id = staged.get(gitPath(pointerPath(path)));
    if (id !== undefined && digests.get(id) === pointer.digest) continue;
    const what = id === undefined ? 'does not know this state' : 'keeps an earlier state';
    warnings.push(
      `${printable(path)}: the commit ${what} of it; to include it: git add :/${MLOPS_DIRECTORY}`,
    );
  }
  return warnings;
}
