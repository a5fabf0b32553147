import * as z from 'zod';
import { IntegrityError, UsageError } from '../../errors.ts';
import type { RunFiles, RunPlace } from '../../storage/run-files.ts';
import { Timestamp } from '../audit/index.ts';
import { encodeChecked, parseDocument } from '../repository/document.ts';
import { RUN_LIMITS } from './limits.ts';
import {
  decodeLogLine,
  encodeLogLine,
  Entries,
  Key,
  LoggedModelId,
  Mount,
  ParamValue,
  type LogLine,
} from './log-lines.ts';
import { readLines, runPath } from './read-lines.ts';
import { LOGGED_MODEL_STATUSES } from './run.ts';
import { entriesOf, ExperimentName, LogId, mapOf, RunId } from './run-document.ts';
import { logHead } from './run-entry.ts';
import { applyToModel, type LoggedModelState } from './run-state.ts';

const DOCUMENT = 'model.json';
const LOG = 'log.jsonl';

/** docs/format.md section 5.9. Loose, as a newer program may add members. */
const ModelDocument = z.lazy(() =>
  z.looseObject({
    schema: z.literal('mlops.logged-model/1'),
    id: LoggedModelId,
    name: z.string().max(RUN_LIMITS.nameLength),
    experiment: ExperimentName,
    run: RunId.optional(),
    modelType: z.string().max(RUN_LIMITS.nameLength).optional(),
    status: z.enum(LOGGED_MODEL_STATUSES),
    lifecycle: z.enum(['active', 'deleted']),
    createdAt: Timestamp,
    updatedAt: Timestamp,
    params: z.array(z.object({ key: Key, value: ParamValue })).max(RUN_LIMITS.entries),
    tags: Entries,
    artifacts: z.array(Mount).max(RUN_LIMITS.entries),
    folded: z.object({ log: z.object({ id: LogId.optional(), bytes: z.number().int().min(0) }) }),
  }),
);

/** @param experimentName only for people: the id says which experiment it is */
export function encodeModel(state: LoggedModelState, experimentName: string): Uint8Array {
  const { experimentId, runId, createdAt, updatedAt, params, tags, artifacts, log, ...rest } = state;
  const document = {
    schema: 'mlops.logged-model/1',
    id: rest.id,
    name: rest.name,
    experiment: { id: experimentId, name: experimentName },
    run: runId,
    modelType: rest.modelType,
    status: rest.status,
    lifecycle: rest.lifecycle,
    createdAt: new Date(createdAt).toISOString(),
    updatedAt: new Date(updatedAt).toISOString(),
    params: entriesOf(params),
    tags: entriesOf(tags),
    artifacts: artifacts.map((mount) => ({ ...mount })),
    folded: { log: { ...log } },
  };
  return encodeChecked(document, ModelDocument, 'the logged model');
}

/** The model as its files state it now; undefined when it is not there. @throws IntegrityError as `parseDocument` */
export function readModel(files: RunFiles, place: RunPlace): LoggedModelState | undefined {
  const bytes = files.read(place, DOCUMENT);
  if (bytes === undefined) return undefined;
  const path = runPath(place, DOCUMENT);
  const document = parseDocument(bytes, ModelDocument, { path, canonical: false });
  if (document.id !== place.name) {
    throw new IntegrityError('RUN_DAMAGED', `${path} is the document of the logged model ${document.id}`);
  }
  const state: LoggedModelState = {
    id: document.id,
    name: document.name,
    experimentId: document.experiment.id,
    runId: document.run,
    modelType: document.modelType,
    status: document.status,
    lifecycle: document.lifecycle,
    createdAt: Date.parse(document.createdAt),
    updatedAt: Date.parse(document.updatedAt),
    params: mapOf(document.params),
    tags: mapOf(document.tags),
    artifacts: [...document.artifacts],
    lastTime: 0,
    log: { id: document.folded.log.id, bytes: document.folded.log.bytes },
  };
  // Nothing is folded into the document after it was made, so all of the log comes on top.
  readLines({ files, place, file: LOG, offset: 0 }, (text) => {
    const line = decodeLogLine(text);
    if (line !== undefined) applyToModel(state, line);
  });
  return state;
}

/** @throws UsageError when the model is gone */
export function appendToModel(files: RunFiles, place: RunPlace, lines: readonly LogLine[]): void {
  if (files.state(place, DOCUMENT) === undefined) throw modelNotFound(place.name);
  const [first] = lines;
  if (first === undefined) return;
  const head = files.state(place, LOG) === undefined ? [logHead(first.time)] : [];
  files.append(place, LOG, Buffer.from([...head, ...lines].map(encodeLogLine).join('')));
}

export function modelNotFound(id: string): UsageError {
  return new UsageError('LOGGED_MODEL_NOT_FOUND', `there is no logged model ${id.slice(0, 64)}`);
}
