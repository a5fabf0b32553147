import { createHash } from 'node:crypto';
import * as z from 'zod';
import { IntegrityError } from '../../errors.ts';
import type { JsonValue } from '../../lib/canonical-json.ts';
import { Timestamp } from '../audit/index.ts';
import { encodeChecked, parseDocument } from '../repository/document.ts';
import { gitPath } from '../repository/layout.ts';
import { RUN_LIMITS } from './limits.ts';
import { Entries } from './log-lines.ts';
import type { Experiment } from './run.ts';
import { entriesOf, ExperimentId, mapOf } from './run-document.ts';

export const EXPERIMENTS_DIRECTORY = 'runs/experiments';
const SMALLEST_ID = 10n ** 17n;

/** docs/format.md section 5.9. Loose, as a newer program may add members. */
export const ExperimentDocument = z.lazy(() =>
  z.looseObject({
    schema: z.literal('mlops.experiment/1'),
    id: ExperimentId,
    name: z.string().min(1).max(RUN_LIMITS.nameLength),
    lifecycle: z.enum(['active', 'deleted']),
    createdAt: Timestamp,
    updatedAt: Timestamp,
    tags: Entries,
    artifactLocation: z.string().max(RUN_LIMITS.textLength).optional(),
  }),
);

/** The id of a new name; `attempt` counts up while another name has it. */
export function experimentIdOf(name: string, attempt = 0): string {
  const text = attempt === 0 ? name : `${name}\0${attempt}`;
  const digits = createHash('sha256').update(text).digest('hex').slice(0, 15);
  return String(SMALLEST_ID + (BigInt(`0x${digits}`) % (9n * SMALLEST_ID)));
}

export function experimentPath(id: string): string {
  return `${EXPERIMENTS_DIRECTORY}/${id}.json`;
}

/** @throws IntegrityError as `parseDocument`, and `DOCUMENT_INVALID` for the document of another experiment */
export function parseExperiment(id: string, bytes: Uint8Array): Experiment {
  const path = gitPath(experimentPath(id));
  const document = parseDocument(bytes, ExperimentDocument, { path, canonical: false });
  if (document.id !== id)
    throw new IntegrityError('DOCUMENT_INVALID', `${path} is the document of the experiment ${document.id}`);
  const { name, lifecycle, createdAt, updatedAt, tags, artifactLocation } = document;
  return {
    id,
    name,
    lifecycle,
    createdAt: Date.parse(createdAt),
    updatedAt: Date.parse(updatedAt),
    tags: mapOf(tags),
    artifactLocation,
  };
}

/** @throws UsageError `LIMIT_EXCEEDED` */
export function encodeExperiment(experiment: Experiment): Uint8Array {
  return encodeChecked(experimentToJson(experiment), ExperimentDocument, 'the experiment');
}

export function experimentToJson({ createdAt, updatedAt, tags, ...rest }: Experiment): JsonValue {
  return {
    schema: 'mlops.experiment/1',
    ...rest,
    createdAt: new Date(createdAt).toISOString(),
    updatedAt: new Date(updatedAt).toISOString(),
    tags: entriesOf(tags),
  };
}
