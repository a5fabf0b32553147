import { statSync } from 'node:fs';
import { errnoOf, InterruptedError, MlopsError } from '../../errors.ts';
import { lstatIfPresent, safeJoin } from '../../lib/safe-path.ts';
import { examineSource } from '../artifact/examine.ts';
import { loadIndex, sizeOf, type ArtifactParts } from '../artifact/parts.ts';
import { existingDirectory } from '../artifact/staging.ts';
import { findUnsaved, planUpdate } from '../artifact/update-plan.ts';
import type { Restoring } from '../artifact-transfer.ts';
import type { Manifest } from '../manifest.ts';

export interface RestoringSpace {
  parts: ArtifactParts;
  /** The manifest of what is to be restored; undefined when nobody has it. */
  manifestOf: (digest: string) => Promise<Manifest | undefined>;
  signal: AbortSignal | undefined;
}

/**
 * Bytes that have to be free on the file system of the objects, so that these updates of the work tree, one after the other, can be
 * written. Each one keeps what it replaces until its new files are complete; what is already as it should be costs nothing, nor does
 * an update that will be refused or that goes to another file system.
 */
export async function spaceToRestore(
  { updates, force }: Restoring,
  { parts, manifestOf, signal }: RestoringSpace,
): Promise<number> {
  const device = statSync(existingDirectory(parts.staging)).dev;
  const index = await loadIndex(parts);
  let grown = 0;
  let most = 0;
  for (const { path, digest } of updates) {
    try {
      const target = safeJoin(parts.root, path);
      if (statSync(existingDirectory(target)).dev !== device) continue;
      const found = lstatIfPresent(target) && (await examineSource(parts, target, signal ? { signal } : {}));
      if (found?.digest === digest) continue;
      const wanted = await manifestOf(digest);
      if (wanted === undefined) continue;
      const current: Manifest = (await found?.manifest()) ?? { kind: wanted.kind, files: [] };
      const { writes, lost } = planUpdate(current, wanted);
      const saved = { index, objects: parts.objects, wanted };
      if (!force && (await findUnsaved(lost, saved)).length > 0) continue;
      most = Math.max(most, grown + sizeOf({ kind: wanted.kind, files: writes }));
      grown += sizeOf(wanted) - sizeOf(current);
    } catch (error) {
      // What is wrong there is for the update to say.
      const isTold = error instanceof MlopsError || errnoOf(error) !== undefined;
      if (!isTold || error instanceof InterruptedError) throw error;
    }
  }
  return most;
}
