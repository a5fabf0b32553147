import { sha256Hex } from '../../../src/storage/digest.ts';
import type { ObjectKey, ObjectStore } from '../../../src/storage/object-store.ts';
import type { Fault, FaultRule } from '../../support/s3-server/faults.ts';

const HELLO = Buffer.from('hello world');
export const HELLO_KEY: ObjectKey = { kind: 'packs', name: sha256Hex(HELLO) };

export async function putHello(store: ObjectStore, onDamaged?: 'refuse' | 'replace'): Promise<string> {
  const batch = store.batch(onDamaged === undefined ? {} : { onDamaged });
  const outcome = await batch.put(HELLO_KEY, HELLO);
  await batch.commit();
  return outcome;
}

/** Only reads: what went over the wire is the objects' own traffic. */
export function on(operation: FaultRule['operation'], fault: Fault, times?: number): FaultRule {
  return {
    ...(operation === undefined ? {} : { operation }),
    key: /packs/,
    fault,
    ...(times === undefined ? {} : { times }),
  };
}
