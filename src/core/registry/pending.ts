import * as z from 'zod';
import { MlopsError } from '../../errors.ts';
import { encodeDocument, parseDocument } from '../repository/document.ts';
import { gitPath, PENDING_PATH } from '../repository/layout.ts';
import type { Repository } from '../repository/repository.ts';
import { ModelName, StageName } from './names.ts';

const PendingMarker = z.lazy(() =>
  z.looseObject({
    schema: z.literal('mlops.pending/1'),
    host: z.string().max(300),
    model: ModelName,
    stage: StageName,
  }),
);

/** A stage move of this host that may have written its event and not its pointer. */
export interface PendingMove {
  model: string;
  stage: string;
}

/**
 * Says, before the event is written, that a move of this stage is under way, so that a crash between event and pointer can
 * be told from somebody's edit. A disk too full even for this must not stop a rollback, so a failure is let pass: then
 * the interrupted move is settled with `promote --resolve` instead of by itself.
 */
export async function markPending(repository: Repository, move: PendingMove): Promise<void> {
  const marker = encodeDocument({ schema: 'mlops.pending/1', host: repository.host, ...move });
  try {
    await repository.documents.write(PENDING_PATH, marker);
  } catch (error) {
    if (!(error instanceof MlopsError)) throw error;
  }
}

export async function clearPending(repository: Repository): Promise<void> {
  try {
    await repository.documents.remove(PENDING_PATH);
  } catch (error) {
    if (!(error instanceof MlopsError)) throw error;
  }
}

/** The move that a crash on this host left unfinished; undefined for markers of other hosts and for rubbish. */
export async function readPending(repository: Repository): Promise<PendingMove | undefined> {
  const bytes = await repository.documents.read(PENDING_PATH);
  if (bytes === undefined) return undefined;
  try {
    const marker = parseDocument(bytes, PendingMarker, { path: gitPath(PENDING_PATH), canonical: false });
    return marker.host === repository.host ? { model: marker.model, stage: marker.stage } : undefined;
  } catch (error) {
    if (error instanceof MlopsError) return undefined;
    throw error;
  }
}
