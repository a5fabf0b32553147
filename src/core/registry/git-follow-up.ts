import { ConflictError, LocalIoError, MlopsError } from '../../errors.ts';
import type { Git } from '../../git/git.ts';
import { FOUNDATION, gitPath, MLOPS_DIRECTORY } from '../repository/layout.ts';
import type { Repository } from '../repository/repository.ts';

export interface GitFollowUp {
  /** `none`: nothing was written, or the configuration says so. `failed`: see `problem`; the metadata itself is safe. */
  outcome: 'committed' | 'staged' | 'failed' | 'none';
  commit?: string;
  problem?: string;
}

export interface GitFollowUpRequest {
  written: readonly string[];
  /**
   * Commit exactly what was written, and those files of `mlops init` that no commit has yet; otherwise what was written is only added
   * to the index, if the configuration wants that.
   */
  commit: boolean;
  message: string;
}

/**
 * Hands what a command wrote to Git, after it is durable and the lock is free. A failure to stage is reported and changes
 * nothing of the command's result; a commit that was asked for and fails is an error.
 *
 * @throws LocalIoError (usually `GIT_FAILED`) or ConflictError when a commit was asked for
 */
export async function followUpInGit(
  repository: Repository,
  request: GitFollowUpRequest,
): Promise<GitFollowUp> {
  const { written, commit, message } = request;
  if (written.length === 0) return { outcome: 'none' };
  if (!commit && !repository.config.git.stage) return { outcome: 'none' };
  const git = await repository.git();
  if (commit) {
    try {
      const paths = new Set([...(await foundationToCommit(repository, git)), ...written]);
      return { outcome: 'committed', commit: await git.commit([...paths], message) };
    } catch (error) {
      throw error instanceof MlopsError ? uncommitted(error, request) : error;
    }
  }
  try {
    await git.stage(written);
    return { outcome: 'staged' };
  } catch (error) {
    if (!(error instanceof MlopsError)) throw error;
    return { outcome: 'failed', problem: error.message };
  }
}

/** Without these a clone of the commit would be no registry. */
async function foundationToCommit({ documents }: Repository, git: Git): Promise<string[]> {
  const absent = new Set(await git.absentFromHead(FOUNDATION.map(gitPath)));
  const found: string[] = [];
  for (const path of FOUNDATION)
    if (absent.has(gitPath(path)) && (await documents.read(path)) !== undefined) found.push(gitPath(path));
  return found;
}

/** The command did its work, so this is no error in how it was called, and calling it again would not help. */
function uncommitted(cause: MlopsError, { written, message }: GitFollowUpRequest): MlopsError {
  const files = written.length === 1 ? '1 file' : `${written.length} files`;
  const what = `what was asked for is done and on disk (${files}), but Git did not commit it: ${cause.message}`;
  const hint = `${firstStep(cause)}git add :/${MLOPS_DIRECTORY} && git commit -m "${shellSafe(message)}" -- :/${MLOPS_DIRECTORY}`;
  if (cause instanceof ConflictError) {
    return new ConflictError(cause.code, what, { hint, cause, retryable: false });
  }
  return new LocalIoError(cause.code, what, { hint, cause });
}

/** What Git's own failure asks for first; without advice of its own there is nothing to add. */
function firstStep({ code, hint }: MlopsError): string {
  if (hint === undefined || (code === 'GIT_FAILED' && hint.startsWith('run the git command'))) return '';
  return `${hint.replace(', or run the command without --commit', '')}, then: `;
}

/** A message may quote a reason; what a shell would read in double quotes goes. */
function shellSafe(message: string): string {
  return (message.split('\n')[0] ?? '').replace(/["$`\\!]/g, '');
}
