import { RefusedError } from '../../errors.ts';
import { findCollisions, portabilityProblem } from '../../lib/portable-names.ts';
import { assertSafeRelativePath } from '../../lib/safe-path.ts';
import { printable } from '../../lib/terminal-text.ts';

/**
 * Checks the names of a new artifact: safe always, and unless `allowCollisions`, such that every supported file system can
 * hold all of them side by side.
 *
 * @throws RefusedError `UNSAFE_PATH`, `NAME_NOT_PORTABLE`, `NAME_COLLISION`
 */
export function assertNames(paths: readonly string[], allowCollisions: boolean): void {
  for (const path of paths) {
    assertSafeRelativePath(path);
    const problem = allowCollisions ? undefined : portabilityProblem(path);
    if (problem !== undefined) {
      throw new RefusedError('NAME_NOT_PORTABLE', `${printable(path)}: ${problem}`, {
        hint: 'rename the file, or pass --allow-collisions if it will only be used on systems like this one',
      });
    }
  }
  if (!allowCollisions) assertNoCollisions(paths);
}

/** @throws RefusedError `NAME_COLLISION` naming the first pair */
export function assertNoCollisions(paths: readonly string[]): void {
  const [collision] = findCollisions(paths);
  if (collision === undefined) return;
  const names = `${printable(collision.first)} and ${printable(collision.second)}`;
  throw new RefusedError(
    'NAME_COLLISION',
    `${names} are one name on some file systems (letter case, Unicode form)`,
    {
      hint: 'rename one of them, or pass --allow-collisions if it will only be used on systems like this one',
    },
  );
}
