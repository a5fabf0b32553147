import { ConflictError, MlopsError, UsageError } from '../../errors.ts';
import { nearestNames, suggestNames } from '../../lib/nearest.ts';
import { eventPath, loadEventLog, type AuditEvent, type EventLog } from '../audit/index.ts';
import { encodeDocument } from '../repository/document.ts';
import { stagePath } from '../repository/layout.ts';
import type { Repository } from '../repository/repository.ts';
import { commitSection, type CommitSection } from './commit-section.ts';
import { StageName } from './names.ts';
import { clearPending, markPending, readPending } from './pending.ts';
import { judgeStage, type StageState } from './stage-pointer.ts';

export interface StageMove {
  type: 'promoted' | 'rolled-back' | 'resolved';
  model: string;
  stage: string;
  /** The version to move to, and the digest of its artifact. */
  version: string;
  digest: string;
  reason: string | undefined;
  /** The version that the caller saw in the stage; the move is refused if it changed meanwhile. */
  expected?: string | undefined;
}

export interface MovedStage {
  model: string;
  stage: string;
  version: string;
  previous: string | undefined;
  /** Id of the event that moved the stage to where it is now. */
  event: string;
  /** False when the stage held this version already; then nothing was written. */
  moved: boolean;
  written: readonly string[];
}

/**
 * Moves one stage pointer: event first, pointer last. A move that a crash of this host left between the two is finished
 * first; when it is the very move asked for, that is all there is to do.
 *
 * @throws ConflictError `STAGE_CONFLICT`, `STAGE_BEHIND`, `STAGE_MOVED`, `LOCKED`; IntegrityError `STAGE_DAMAGED`
 */
export async function moveStage(repository: Repository, move: StageMove): Promise<MovedStage> {
  const { result, written } = await commitSection(
    repository,
    `${move.type} ${move.model}@${move.version}`,
    async (section) => {
      const finished = await finishPending(repository, section);
      if (finished !== undefined && isSameMove(finished, move)) {
        const { model, stage, version } = move;
        return { model, stage, version, previous: finished.from, event: finished.id, moved: true };
      }
      return applyMove(repository, section, move);
    },
  );
  return { ...result, written };
}

async function applyMove(
  repository: Repository,
  section: CommitSection,
  move: StageMove,
): Promise<Omit<MovedStage, 'written'>> {
  const { model, stage, version, digest } = move;
  const { state, log } = await readStage(repository, model, stage);
  const previous = previousVersion(state, move);
  const [settled, ...otherTips] = state?.status === 'ok' ? state.tips : [];
  if (
    settled !== undefined &&
    otherTips.length === 0 &&
    previous === version &&
    move.type !== 'rolled-back'
  ) {
    // Git may not have been told of what an interrupted command wrote.
    section.adopt(eventPath(settled, settled.id));
    section.adopt(stagePath(model, stage));
    return { model, stage, version, previous, event: settled.id, moved: false };
  }
  if (move.expected !== undefined && previous !== move.expected) {
    throw new ConflictError(
      'STAGE_MOVED',
      `the stage ${stage} of ${model} was moved to ${previous ?? 'nothing'} meanwhile`,
      {
        hint: `look at it: mlops history ${model} --stage ${stage}`,
      },
    );
  }
  await markPending(repository, { model, stage });
  try {
    const event = await section.appendEvent(
      {
        type: move.type,
        subject: { model, stage, version },
        ...(previous === undefined ? {} : { from: previous }),
        to: version,
        digest,
        ...(move.reason === undefined ? {} : { reason: move.reason }),
        evidence: (move.type === 'resolved' ? (state?.tips ?? []) : []).map((tip) => ({
          type: 'candidate',
          digest: tip.id,
        })),
      },
      log,
    );
    await section.replace(
      stagePath(model, stage),
      pointerBytes({ model, stage, version, digest, event: event.id }),
    );
    await clearPending(repository);
    return { model, stage, version, previous, event: event.id, moved: true };
  } catch (error) {
    // A failure that could be reported is undone by the caller; only a crash leaves the marker to the next command.
    if (error instanceof MlopsError && error.code !== 'LOCK_LOST') await clearPending(repository);
    throw error;
  }
}

/** The version the stage holds now, if the state allows this move at all. */
function previousVersion(state: StageState | undefined, move: StageMove): string | undefined {
  if (state === undefined) return undefined;
  if (state.status === 'ok') return state.pointer.version;
  if (move.type !== 'resolved') throw state.problem;
  return state.status === 'behind' ? state.pointer?.version : undefined;
}

/** The model's events, and the stage: undefined when neither a pointer nor an event speaks of it. */
async function readStage(
  repository: Repository,
  model: string,
  stage: string,
): Promise<{ log: EventLog; state: StageState | undefined }> {
  const log = await loadEventLog(repository.documents, model);
  let bytes: Uint8Array | undefined;
  let failure: MlopsError | undefined;
  try {
    bytes = await repository.documents.read(stagePath(model, stage));
  } catch (error) {
    if (!(error instanceof MlopsError)) throw error;
    failure = error;
  }
  const state = judgeStage({
    model,
    stage,
    log,
    pending: await readPending(repository),
    read: () => {
      if (failure !== undefined) throw failure;
      return bytes;
    },
  });
  const unknown = bytes === undefined && failure === undefined && state.tips.length === 0;
  return { log, state: unknown ? undefined : state };
}

/** Lets the pointer follow the event that a crash of this host left without one; resolves to that event. */
async function finishPending(
  repository: Repository,
  section: CommitSection,
): Promise<AuditEvent | undefined> {
  const pending = await readPending(repository);
  if (pending === undefined) return undefined;
  const { model, stage } = pending;
  const { state } = await readStage(repository, model, stage);
  const tip = unfinishedMove(state);
  if (tip !== undefined) {
    const bytes = pointerBytes({ model, stage, version: tip.to, digest: tip.digest, event: tip.id });
    section.adopt(eventPath(tip, tip.id));
    await section.replace(stagePath(model, stage), bytes);
  }
  await clearPending(repository);
  return tip;
}

/** The one event that the pointer does not follow yet, if that is all that is amiss. */
export function unfinishedMove(
  state: StageState | undefined,
): (AuditEvent & { to: string; digest: string }) | undefined {
  if (state?.status !== 'behind' || state.tips.length !== 1) return undefined;
  const tip = state.tips[0];
  if (tip?.to === undefined || tip.digest === undefined) return undefined;
  return { ...tip, to: tip.to, digest: tip.digest };
}

function isSameMove(event: AuditEvent, move: StageMove): boolean {
  const { subject, type, to } = event;
  return (
    subject.model === move.model && subject.stage === move.stage && type === move.type && to === move.version
  );
}

function pointerBytes(pointer: {
  model: string;
  stage: string;
  version: string;
  digest: string;
  event: string;
}): Uint8Array {
  return encodeDocument({ schema: 'mlops.stage/1', ...pointer });
}

/** @throws UsageError `STAGE_INVALID`; `STAGE_NOT_FOUND` with the nearest names, or the first that exist */
export function assertStageExists(repository: Repository, stage: string): void {
  const { stages } = repository.config;
  if (stages.includes(stage)) return;
  // Before it is proposed to add it.
  const { error } = StageName.safeParse(stage);
  const [problem] = error?.issues ?? [];
  if (problem !== undefined && nearestNames(stage, stages).length === 0) {
    throw new UsageError('STAGE_INVALID', `"${stage.slice(0, 100)}": ${problem.message}`, {
      hint: `there are ${stages.join(', ')}`,
    });
  }
  const known = suggestNames(stage, stages);
  const add = `add it: mlops config set stages ${[...stages, stage].join(',')}`;
  throw new UsageError('STAGE_NOT_FOUND', `there is no stage "${stage}"`, {
    hint: nearestNames(stage, stages).length > 0 || known === undefined ? (known ?? add) : `${known}; ${add}`,
  });
}
