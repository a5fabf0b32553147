import * as z from 'zod';
import { ConflictError, IntegrityError, MlopsError } from '../../errors.ts';
import {
  isAncestor,
  loadEventLog,
  stagesInLog,
  stageTips,
  type AuditEvent,
  type EventLog,
} from '../audit/index.ts';
import { parseDocument } from '../repository/document.ts';
import { gitPath, stagePath, stagesDirectory } from '../repository/layout.ts';
import type { Repository } from '../repository/repository.ts';
import { Digest, ModelName, StageName, VersionLabel } from './names.ts';
import { readPending, type PendingMove } from './pending.ts';

/** docs/format.md section 5.3. */
export const StagePointer = z.lazy(() =>
  z.looseObject({
    schema: z.literal('mlops.stage/1'),
    model: ModelName,
    stage: StageName,
    version: VersionLabel,
    digest: Digest,
    event: Digest,
  }),
);
export type StagePointer = z.output<typeof StagePointer>;

/**
 * What a stage pointer says, held against the audit trail.
 * - `ok`: it names a tip. `tips` has several members when branches moved the stage at once and Git kept one side.
 * - `behind`: a later event moved the stage and the pointer does not follow it. `interrupted` when a crash of this host
 *   explains it: then the pointer still counts, and the next move finishes the event. Otherwise somebody edited a file.
 * - `conflict`: the file holds the conflict markers of a merge.
 * - `damaged`: it can't be read, or it says what no event says.
 */
export type StageState =
  | { status: 'ok'; stage: string; pointer: StagePointer; tips: readonly AuditEvent[] }
  | {
      status: 'behind';
      stage: string;
      pointer: StagePointer | undefined;
      interrupted: boolean;
      tips: readonly AuditEvent[];
      problem: MlopsError;
    }
  | { status: 'conflict' | 'damaged'; stage: string; tips: readonly AuditEvent[]; problem: MlopsError };

/** The audit trail of a model and its stages, as of one moment. */
export interface Trail {
  log: EventLog;
  /** The stages that have a pointer, or that an event ever moved. */
  stages: ReadonlyMap<string, StageState>;
}

/** Each look that finds a move half seen means that a writer finished one in the meantime. */
const LOOKS = 5;

/**
 * Reads the stages of a model and its events. Readers take no lock, so they go the other way than writers, pointers before
 * events: then every event that a pointer names is there. What a writer finished in between shows as a pointer that is
 * behind, and another look settles it.
 *
 * @param options.fresh as in `loadEventLog`
 * @param options.onEventsSettled called whenever it is settled which events there are, at each look: what is read from then
 * on is not older than they are
 */
export async function loadTrail(
  repository: Repository,
  model: string,
  options: { fresh?: boolean | undefined; onEventsSettled?: () => void } = {},
): Promise<Trail> {
  let heads: string | undefined;
  for (let look = 1; ; look += 1) {
    const pointers = await readPointers(repository, model);
    const reading = loadEventLog(repository.documents, model, options);
    options.onEventsSettled?.();
    const log = await reading;
    const pending = await readPending(repository);
    const stages = new Map<string, StageState>();
    for (const stage of [...new Set([...pointers.keys(), ...stagesInLog(log)])].toSorted()) {
      if (!StageName.safeParse(stage).success) continue;
      stages.set(stage, judgeStage({ model, stage, log, pending, read: () => pointers.get(stage)?.() }));
    }
    const overtaken = [...stages.values()].some((state) => state.status === 'behind' && !state.interrupted);
    // No event since the last look: nobody is writing, so what is behind stays behind.
    const settled = log.heads.join() === heads;
    heads = log.heads.join();
    if (!overtaken || settled || look === LOOKS) return { log, stages };
  }
}

/** Every pointer is read now; what reading it threw is thrown when its bytes are asked for. */
async function readPointers(
  { documents }: Repository,
  model: string,
): Promise<Map<string, () => Uint8Array>> {
  const pointers = new Map<string, () => Uint8Array>();
  for (const file of await documents.readDirectory(stagesDirectory(model))) {
    const stage = file.name.replace(/\.json$/, '');
    try {
      const bytes = file.read();
      pointers.set(stage, () => bytes);
    } catch (error) {
      pointers.set(stage, () => {
        throw error;
      });
    }
  }
  return pointers;
}

/** The version a stage holds: also while an interrupted move waits to be finished. Undefined when it can't be told. */
export function heldVersion(state: StageState | undefined): string | undefined {
  if (state?.status === 'ok') return state.pointer.version;
  return state?.status === 'behind' && state.interrupted ? state.pointer?.version : undefined;
}

interface StageFile {
  model: string;
  stage: string;
  log: EventLog;
  pending: PendingMove | undefined;
  /** Undefined when there is no pointer file. */
  read: () => Uint8Array | undefined;
}

export function judgeStage({ model, stage, log, pending, read }: StageFile): StageState {
  const interrupted = pending?.model === model && pending.stage === stage;
  const tips = stageTips(log, stage);
  const path = gitPath(stagePath(model, stage));
  let pointer: StagePointer;
  try {
    const bytes = read();
    if (bytes === undefined) return behind({ model, stage, tips, interrupted, pointer: undefined });
    pointer = parseDocument(bytes, StagePointer, { path, canonical: true });
  } catch (error) {
    if (!(error instanceof MlopsError)) throw error;
    if (error.code !== 'MERGE_CONFLICT') return { status: 'damaged', stage, tips, problem: error };
    return { status: 'conflict', stage, tips, problem: conflictError({ model, stage, tips }) };
  }
  const tip = tips.find((event) => event.id === pointer.event);
  if (tip !== undefined) {
    const agrees =
      pointer.model === model &&
      pointer.stage === stage &&
      pointer.version === tip.to &&
      pointer.digest === tip.digest;
    if (agrees) return { status: 'ok', stage, pointer, tips };
    return {
      status: 'damaged',
      stage,
      tips,
      problem: disagrees(path, `says ${pointer.version}, but its event says ${tip.to}`),
    };
  }
  if (tips.some((event) => isAncestor(log, pointer.event, event.id)))
    return behind({ model, stage, tips, interrupted, pointer });
  return {
    status: 'damaged',
    stage,
    tips,
    problem: disagrees(path, `names an event that never moved this stage`),
  };
}

interface BehindStage {
  model: string;
  stage: string;
  tips: readonly AuditEvent[];
  interrupted: boolean;
  pointer: StagePointer | undefined;
}

function behind({ model, stage, tips, interrupted, pointer }: BehindStage): StageState {
  const to = tips[0]?.to;
  const now = pointer === undefined ? 'has no pointer' : `points to ${pointer.version}`;
  const problem = new ConflictError(
    'STAGE_BEHIND',
    `the stage ${stage} of ${model} ${now}, but its events moved it to ${to ?? 'nothing'}`,
    { hint: `settle it: mlops promote ${model}@${to ?? '<version>'} --to ${stage} --resolve` },
  );
  return { status: 'behind', stage, pointer, interrupted, tips, problem };
}

/** Names the candidates and, for each, the command that settles the stage on it. */
function conflictError(at: { model: string; stage: string; tips: readonly AuditEvent[] }): ConflictError {
  const { model, stage, tips } = at;
  const candidates = tips.map((tip) => `${tip.to} (${tip.type} ${tip.time} by ${tip.actor})`);
  const versions = new Set(tips.map(({ to }) => to));
  const commands = [...versions].map((to) => `mlops promote ${model}@${to} --to ${stage} --resolve`);
  return new ConflictError(
    'STAGE_CONFLICT',
    `${gitPath(stagePath(model, stage))}: two branches moved the stage ${stage} of ${model}: ${candidates.join(' or ')}`,
    {
      hint:
        commands.length === 0
          ? `settle it: mlops promote ${model}@<version> --to ${stage} --resolve`
          : `settle it: ${commands.join('  or  ')}`,
      retryable: false,
    },
  );
}

function disagrees(path: string, what: string): IntegrityError {
  return new IntegrityError('STAGE_DAMAGED', `${path}: ${what}`, {
    hint: `restore it from Git: git checkout HEAD -- ${path}; or settle it with \`mlops promote <ref> --to <stage> --resolve\``,
  });
}
