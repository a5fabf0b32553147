import * as z from 'zod';
import { UsageError } from '../../errors.ts';
import { printable } from '../../lib/terminal-text.ts';
import type { DocumentStore } from '../../storage/document-store.ts';
import { Timestamp } from '../audit/event.ts';
import { encodeChecked, parseDocument } from '../repository/document.ts';
import { gitPath } from '../repository/layout.ts';
import type { Repository } from '../repository/repository.ts';
import { resolveArtifact } from './resolve-artifact.ts';

const HOLDS_DIRECTORY = 'cache/holds';

/** docs/format.md section 5.7. Loose, because a newer program may add members. */
const HoldDocument = z.lazy(() =>
  z.looseObject({
    schema: z.literal('mlops.hold/1'),
    digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
    reason: z.string().min(1).max(20_000),
    createdAt: Timestamp,
    createdBy: z.string().min(1).max(1000),
  }),
);

/** An artifact that gc keeps in this clone, whatever else is said of it. */
export interface Hold {
  /** `sha256:<64 hex>`. */
  readonly digest: string;
  readonly reason: string;
  readonly createdAt: string;
  readonly createdBy: string;
}

function holdPath(digest: string): string {
  return `${HOLDS_DIRECTORY}/${digest.slice('sha256:'.length)}.json`;
}

/** Sorted by digest. @throws MlopsError for a hold that can't be read: it may be for anything */
export async function listHolds(documents: DocumentStore): Promise<Hold[]> {
  const files = await documents.readDirectory(HOLDS_DIRECTORY);
  return files.map((file) => {
    const path = gitPath(`${HOLDS_DIRECTORY}/${file.name}`);
    const { digest, reason, createdAt, createdBy } = parseDocument(file.read(), HoldDocument, {
      path,
      canonical: false,
    });
    return { digest, reason, createdAt, createdBy };
  });
}

/**
 * Keeps an artifact, for which there may be one reason at a time.
 *
 * @param reference a version, or the start of the digest of an artifact that is here
 * @throws as `resolveArtifact`; UsageError `LIMIT_EXCEEDED`
 */
export async function addHold(repository: Repository, reference: string, reason: string): Promise<Hold> {
  const { digest } = await resolveArtifact(repository, reference);
  const hold: Hold = {
    digest,
    reason,
    createdAt: repository.now().toISOString(),
    createdBy: await repository.actor(),
  };
  const bytes = encodeChecked({ schema: 'mlops.hold/1', ...hold }, HoldDocument, 'the hold');
  const lock = await repository.lock.acquire('hold add');
  try {
    await lock.assertHeld();
    await repository.documents.write(holdPath(digest), bytes);
  } finally {
    await lock.release();
  }
  return hold;
}

/** @param reference as in `addHold`, or the start of the digest of a hold @throws UsageError `HOLD_NOT_FOUND` */
export async function removeHold(repository: Repository, reference: string): Promise<Hold> {
  const holds = await listHolds(repository.documents);
  const named = holds.filter(({ digest }) => reference.length >= 15 && digest.startsWith(reference));
  const digest =
    named.length === 1 ? named[0]?.digest : (await resolveArtifact(repository, reference)).digest;
  const hold = holds.find((each) => each.digest === digest);
  if (hold === undefined) {
    throw new UsageError('HOLD_NOT_FOUND', `there is no hold on ${printable(reference)}`, {
      hint: 'see `mlops hold list`',
    });
  }
  const lock = await repository.lock.acquire('hold remove');
  try {
    await lock.assertHeld();
    await repository.documents.remove(holdPath(hold.digest));
  } finally {
    await lock.release();
  }
  return hold;
}
