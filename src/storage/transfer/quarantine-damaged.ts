import { loadIndex, type ArtifactParts } from '../artifact/parts.ts';
import { quarantinePack } from '../artifact/salvage.ts';
import { verifyObjects } from '../artifact/verify-artifact.ts';
import type { FetchOptions } from '../artifact-transfer.ts';
import type { ObjectKey } from '../object-store.ts';

/** Hashes what is here and moves what is not intact out of the way, so that it counts as missing. Good blobs of bad packs stay. */
export async function quarantineDamaged(
  parts: ArtifactParts,
  digests: readonly string[],
  { repair, signal }: Pick<FetchOptions, 'repair' | 'signal'>,
): Promise<void> {
  if (digests.length === 0 && repair === 'artifacts') return;
  const { damage } = await verifyObjects(parts, digests, {
    deep: true,
    only: repair === 'artifacts',
    ...(signal === undefined ? {} : { signal }),
  });
  const bad = new Map<string, { key: ObjectKey; problem: string }>();
  for (const { path, problem } of damage) {
    const [, kind, , name = ''] = path.split('/');
    if (kind === 'packs' || kind === 'manifests') bad.set(path, { key: { kind, name }, problem });
  }
  if (bad.size === 0) return;
  const index = await loadIndex(parts);
  for (const { key, problem } of bad.values()) {
    if ((await parts.objects.stat(key)) === undefined) continue;
    if (key.kind === 'packs') {
      await quarantinePack(parts, index, { pack: key.name, problem });
      continue;
    }
    const place = await parts.objects.quarantine(key, problem);
    parts.warn(`${problem}; it is now in ${place}`);
  }
}
