import type { BatchOptions, ObjectKey, ObjectStore, PutOutcome } from '../object-store.ts';

/** Puts one object and makes it count. */
export async function putObject(
  store: ObjectStore,
  object: { key: ObjectKey; bytes: Uint8Array },
  options: BatchOptions = {},
): Promise<PutOutcome> {
  const batch = store.batch(options);
  try {
    const outcome = await batch.put(object.key, object.bytes);
    await batch.commit();
    return outcome;
  } catch (error) {
    await batch.abort();
    throw error;
  }
}
