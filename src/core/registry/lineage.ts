import { stat } from 'node:fs/promises';
import { basename, isAbsolute, relative, resolve, sep } from 'node:path';
import type * as z from 'zod';
import { UsageError } from '../../errors.ts';
import { unsafePathProblem } from '../../lib/safe-path.ts';
import type { Repository } from '../repository/repository.ts';
import type { Lineage } from './record.ts';

export interface DataSource {
  role: string;
  /** Absolute path of a file or directory. */
  path: string;
}

export type DataDigests = { role: string; path: string; digest: string; size: number }[];

/** Where a version comes from: the commit and its state, the data by digest, the program's environment, the parent. */
export async function captureLineage(
  repository: Repository,
  data: DataDigests,
): Promise<Omit<z.output<typeof Lineage>, 'parent' | 'run'>> {
  const git = await repository.git();
  return {
    git: { ...(await git.codeState()) },
    ...(data.length === 0 ? {} : { data }),
    environment: { ...repository.environment },
  };
}

/** Digest and size of each source. @throws UsageError `SOURCE_MISSING` */
export async function digestData(repository: Repository, data: readonly DataSource[]): Promise<DataDigests> {
  const artifacts = await repository.artifacts();
  const digests = [];
  for (const { role, path } of data) {
    await assertSourceExists(path);
    const { digest, size } = await artifacts.digest(path);
    digests.push({ role, path: portablePath(repository.root, path), digest, size });
  }
  return digests;
}

/** @throws UsageError `SOURCE_MISSING` */
export async function assertSourceExists(path: string): Promise<void> {
  try {
    await stat(path);
  } catch (cause) {
    throw new UsageError('SOURCE_MISSING', `${path}: there is no such file or directory`, {
      hint: 'check the path; it is relative to the directory you are in',
      cause,
    });
  }
}

/**
 * Relative to the Git root with `/`, or the base name of what lies outside: no path of this machine is recorded. A name that
 * a reader would refuse, such as one with a backslash, becomes `artifact`.
 */
export function portablePath(root: string, path: string): string {
  const inside = relative(root, resolve(path));
  const outside = inside === '' || inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside);
  const portable = outside ? basename(resolve(path)) : inside.split(sep).join('/');
  return unsafePathProblem(portable) === undefined ? portable : 'artifact';
}
