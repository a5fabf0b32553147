import { ConflictError } from '../../errors.ts';

/**
 * Objects that were there when a command read its source may be collected before it takes the lock. `mlops gc` removes under the
 * lock only, so what is there now stays until the lock is released, and after that the document written under it keeps it.
 *
 * @param isThere `StoredArtifact.isStillThere`, or anything that asks the store
 * @throws ConflictError `OBJECTS_COLLECTED`
 */
export async function assertStillThere(digest: string, isThere: () => Promise<boolean>): Promise<void> {
  if (await isThere()) return;
  throw new ConflictError(
    'OBJECTS_COLLECTED',
    `objects of ${digest} were removed by \`mlops gc\` while this command ran; nothing was registered`,
    { hint: 'run the same command again' },
  );
}
