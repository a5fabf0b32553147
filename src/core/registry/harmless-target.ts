import { realpathSync } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import { RefusedError } from '../../errors.ts';
import { MLOPS_DIRECTORY } from '../repository/layout.ts';

/**
 * With `--force` a target is replaced as a whole, so it must not hold the work tree, Git's own files or the registry.
 * @throws RefusedError `UNSAFE_TARGET`
 */
export function assertHarmlessTarget(root: string, target: string): void {
  const inside = relative(root, realTarget(target));
  const above = inside === '' || /^\.\.([/\\]\.\.)*$/.test(inside);
  const [first = ''] = inside.split(sep);
  if (!above && !['.git', MLOPS_DIRECTORY].includes(first.toLowerCase())) return;
  throw new RefusedError(
    'UNSAFE_TARGET',
    `${target} ${above ? 'holds the whole repository' : `lies in ${first}`}; nothing was written`,
    { hint: 'name another place: -o <path>' },
  );
}

/** Links resolved as far as the path exists. */
function realTarget(target: string): string {
  try {
    return realpathSync(target);
  } catch {
    const parent = dirname(target);
    return parent === target ? target : join(realTarget(parent), basename(target));
  }
}
