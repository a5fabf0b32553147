import { IntegrityError } from '../errors.ts';
import { isSha256Hex } from './digest.ts';
import type { ObjectKey, ObjectKind } from './object-store.ts';

/** Kinds whose names end in the start of their own hash, and not in the whole of it. */
const MARKED_NAMES: Partial<Record<ObjectKind, RegExp>> = {
  layouts: /^[0-9a-f]{64}-[0-9a-f]{16}$/,
  runs: /^[0-9a-f]{32}-[0-9a-f]{16}$/,
};

/** What helps against lost or damaged bytes: storing the same ones again, from wherever they still are. */
export const BRING_BACK = 'save the same files again, or import a bundle that holds them (`mlops import`)';

/** How an object is called in messages and below a store's root: `packs/<aa>/<sha256>`. */
export function objectPath(key: ObjectKey): string {
  return `${key.kind}/${key.name.slice(0, 2)}/${key.name}`;
}

export function isObjectName({ kind, name }: ObjectKey): boolean {
  return MARKED_NAMES[kind]?.test(name) ?? isSha256Hex(name);
}

/** Whether bytes with this SHA-256 (64 hex digits) are the object's. */
export function isNamedBy({ kind, name }: ObjectKey, sha256: string): boolean {
  return MARKED_NAMES[kind] === undefined ? name === sha256 : name.endsWith(`-${sha256.slice(0, 16)}`);
}

/** Names come from manifests, layouts and bundles of strangers. @throws IntegrityError `OBJECT_NAME_INVALID` */
export function assertObjectName(key: ObjectKey): void {
  if (isObjectName(key)) return;
  throw new IntegrityError(
    'OBJECT_NAME_INVALID',
    `${JSON.stringify(key.name.slice(0, 80))} is no object name`,
  );
}

export function missingObject(key: ObjectKey): IntegrityError {
  return new IntegrityError('OBJECT_MISSING', `${objectPath(key)} is missing`, {
    hint: BRING_BACK,
  });
}

export function damagedObject(key: ObjectKey, problem: string): IntegrityError {
  return new IntegrityError('OBJECT_DAMAGED', `${objectPath(key)} is damaged: ${problem}`, {
    hint: 'run `mlops verify --deep` to see what else is damaged',
  });
}

/** A remote holds other bytes under the name of those that are to be stored there. */
export function damagedOnRemote(key: ObjectKey, problem: string): IntegrityError {
  return new IntegrityError(
    'REMOTE_OBJECT_DAMAGED',
    `${objectPath(key)} on the remote is damaged: ${problem}; it was left as it is`,
    { hint: 'replace it by the right bytes: mlops push --repair' },
  );
}

/** The bytes in hand are not what their name says: memory, a bus or a disk changed them after they were hashed. */
export function alteredBytes(key: ObjectKey): IntegrityError {
  return new IntegrityError(
    'OBJECT_ALTERED',
    `${objectPath(key)}: the bytes changed between hashing and storing; nothing was stored`,
    { hint: 'run the command again; if it happens twice, check the memory and the disk of this machine' },
  );
}
