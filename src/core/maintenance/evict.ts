import { IntegrityError } from '../../errors.ts';
import { printable } from '../../lib/terminal-text.ts';
import type { Repository } from '../repository/repository.ts';
import type { Keeper } from './roots.ts';

const IN_USE: ReadonlySet<string> = new Set(['stage', 'data', 'document']);

/**
 * Whether an artifact should stay on this machine although a remote has it: a stage or a tracked path of this work tree needs it, or it
 * is held.
 */
export function isInUse(keepers: readonly Keeper[]): boolean {
  return keepers.some(({ need, sources }) => {
    if (need.kind === 'hold') return true;
    return IN_USE.has(need.kind) && sources.some(({ kind }) => kind === 'files' || kind === 'index');
  });
}

/**
 * Reads everything that the remote holds of these artifacts and hashes it; what it merely says of itself proves nothing.
 *
 * @throws IntegrityError `REMOTE_OBJECT_DAMAGED` when any of them is not there, whole and good; RemoteError
 */
export async function proveOnRemote(
  repository: Repository,
  digests: readonly string[],
  options: { remote: string | undefined; signal?: AbortSignal },
): Promise<void> {
  if (digests.length === 0) return;
  const [artifacts, remote] = await Promise.all([repository.artifacts(), repository.remote(options.remote)]);
  const { signal } = options;
  const { damage } = await artifacts
    .transfer(remote.objects)
    .verify(digests, signal === undefined ? {} : { signal });
  const [first] = damage;
  if (first === undefined) return;
  const more = damage.length === 1 ? '' : `, and ${damage.length - 1} more`;
  throw new IntegrityError(
    'REMOTE_OBJECT_DAMAGED',
    `the remote "${remote.name}" does not have all that would be removed here: ${printable(first.path)}: ${printable(first.problem)}${more}; nothing was removed`,
    { hint: `bring it there: mlops push --all --repair --remote ${remote.name}` },
  );
}
