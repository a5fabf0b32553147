import { MlopsError } from '../../errors.ts';
import type { Repository } from '../repository/repository.ts';

export interface GitFollowUp {
  /** `none`: nothing was written, or the configuration says so. `failed`: see `problem`; the metadata itself is safe. */
  outcome: 'committed' | 'staged' | 'failed' | 'none';
  commit?: string;
  problem?: string;
}

export interface GitFollowUpRequest {
  written: readonly string[];
  /** Commit exactly what was written; otherwise it is only added to the index, if the configuration wants that. */
  commit: boolean;
  message: string;
}

/**
 * Hands what a command wrote to Git, after it is durable and the lock is free. A failure to stage is reported and changes
 * nothing of the command's result; a commit that was asked for and fails is an error.
 *
 * @throws MlopsError `GIT_FAILED` when a commit was asked for
 */
export async function followUpInGit(
  repository: Repository,
  request: GitFollowUpRequest,
): Promise<GitFollowUp> {
  const { written, commit, message } = request;
  if (written.length === 0) return { outcome: 'none' };
  if (!commit && !repository.config.git.stage) return { outcome: 'none' };
  const git = await repository.git();
  if (commit) return { outcome: 'committed', commit: await git.commit(written, message) };
  try {
    await git.stage(written);
    return { outcome: 'staged' };
  } catch (error) {
    if (!(error instanceof MlopsError)) throw error;
    return { outcome: 'failed', problem: error.message };
  }
}
