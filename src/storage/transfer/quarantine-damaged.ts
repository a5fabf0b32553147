import { IntegrityError, MlopsError } from '../../errors.ts';
import { loadIndex, type ArtifactParts } from '../artifact/parts.ts';
import { quarantinePack } from '../artifact/salvage.ts';
import { verifyObjects } from '../artifact/verify-artifact.ts';
import type { FetchOptions } from '../artifact-transfer.ts';
import { decodeManifest } from '../manifest.ts';
import type { ObjectKey, ObjectStore } from '../object-store.ts';
import { decodePack } from '../pack.ts';

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
    if (await isForeign(parts.objects, key)) {
      parts.warn(
        `${problem}; its bytes are what its name says, so it is left alone: a newer mlops may have written it`,
      );
      continue;
    }
    if (key.kind === 'packs') {
      await quarantinePack(parts, index, { pack: key.name, problem });
      continue;
    }
    const place = await parts.objects.quarantine(key, problem);
    parts.warn(`${problem}; it is now in ${place}`);
  }
}

/** An object that is what its name says and can't be understood is not damaged. A pack that lies about its blobs is understood. */
async function isForeign(objects: ObjectStore, key: ObjectKey): Promise<boolean> {
  try {
    const bytes = await objects.get(key);
    if (key.kind === 'packs') decodePack(bytes, key.name);
    else decodeManifest(bytes, key.name);
    return false;
  } catch (error) {
    if (!(error instanceof MlopsError)) throw error;
    return !(await isDamaged(objects, key));
  }
}

async function isDamaged(objects: ObjectStore, key: ObjectKey): Promise<boolean> {
  try {
    await objects.get(key);
    return false;
  } catch (error) {
    if (error instanceof IntegrityError) return true;
    throw error;
  }
}
