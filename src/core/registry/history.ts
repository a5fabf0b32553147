import { UsageError } from '../../errors.ts';
import { logAt, stagesInLog, stageTips, type AuditEvent, type EventLog } from '../audit/index.ts';
import type { Repository } from '../repository/repository.ts';
import { eventsDirectory, gitPath, modelPath, stagePath } from '../repository/layout.ts';
import { modelDocumentProblem } from './model-document.ts';
import { assertModelExists, listModels, type ModelProblem } from './model-state.ts';
import { assertStageExists } from './move-stage.ts';
import { loadTrail, type StageState } from './stage-pointer.ts';

export interface HistoryRequest {
  model?: string | undefined;
  stage?: string | undefined;
}

export interface History {
  /** Newest first. Of several models: by time. */
  events: readonly AuditEvent[];
  /** A damaged `model.json`, events that can't be read, and stages that can't be trusted, such as one with a merge conflict. */
  problems: readonly ModelProblem[];
}

/** @throws UsageError `MODEL_NOT_FOUND`, `STAGE_NOT_FOUND` */
export async function history(repository: Repository, request: HistoryRequest): Promise<History> {
  const logs = await readTrails(repository, request);
  const events = logs.flatMap(({ log }) =>
    log.newestFirst.filter((event) => matchesStage(event, request.stage)),
  );
  return {
    events: logs.length === 1 ? events : events.toSorted(newestFirst),
    problems: logs.flatMap(({ problems }) => problems),
  };
}

function matchesStage(event: AuditEvent, stage: string | undefined): boolean {
  return stage === undefined || event.subject.stage === stage;
}

function newestFirst(left: AuditEvent, right: AuditEvent): number {
  if (left.time !== right.time) return left.time < right.time ? 1 : -1;
  return left.id < right.id ? 1 : -1;
}

export interface StagesThen {
  /** Version by stage by model. */
  held: ReadonlyMap<string, ReadonlyMap<string, string>>;
  problems: readonly ModelProblem[];
}

/**
 * For each model the version that each stage held at a moment. Of a stage that branches moved at once: what Git kept if the
 * pointer still tells, else the newest move.
 * @throws as `history`
 */
export async function stagesAt(
  repository: Repository,
  request: HistoryRequest & { at: Date },
): Promise<StagesThen> {
  const held = new Map<string, Map<string, string>>();
  const trails = await readTrails(repository, request);
  for (const { model, log, stages: now } of trails) {
    const then = logAt(log, request.at);
    const stages = new Map<string, string>();
    for (const stage of [...stagesInLog(then)].toSorted()) {
      if (request.stage !== undefined && request.stage !== stage) continue;
      const current = now.get(stage);
      const kept = current?.status === 'ok' ? current.pointer.event : undefined;
      const tips = stageTips(then, stage);
      const version = (tips.find(({ id }) => id === kept) ?? tips[0])?.to;
      if (version !== undefined) stages.set(stage, version);
    }
    held.set(model, stages);
  }
  return { held, problems: trails.flatMap(({ problems }) => problems) };
}

/** The audit trail of one model, its stages as they are now, and what can't be trusted of both. */
interface Trail {
  model: string;
  log: EventLog;
  stages: ReadonlyMap<string, StageState>;
  problems: readonly ModelProblem[];
}

async function readTrails(repository: Repository, { model, stage }: HistoryRequest): Promise<Trail[]> {
  const { documents } = repository;
  if (model !== undefined) await assertModelExists(documents, model);
  const models = model === undefined ? await listModels(documents) : [model];
  const trails: Trail[] = [];
  for (const name of models) {
    const { log, stages } = await loadTrail(repository, name);
    const problems = trailProblems(name, log, stages);
    const error = await modelDocumentProblem(repository, name);
    if (error !== undefined) problems.push({ kind: 'model', path: gitPath(modelPath(name)), error });
    trails.push({ model: name, log, stages, problems });
  }
  // A stage that was taken out of the settings keeps its history.
  const known = trails.some(({ stages }) => stage !== undefined && stages.has(stage));
  if (stage !== undefined && !known) assertStageExists(repository, stage);
  return trails;
}

function trailProblems(model: string, log: EventLog, stages: Trail['stages']): ModelProblem[] {
  const problems: ModelProblem[] = log.damaged.map(({ name, error }) => ({
    kind: 'event',
    path: gitPath(`${eventsDirectory(model)}/${name}`),
    error,
  }));
  for (const [stage, state] of stages) {
    if (state.status === 'ok' || (state.status === 'behind' && state.interrupted)) continue;
    problems.push({ kind: 'stage', path: gitPath(stagePath(model, stage)), error: state.problem });
  }
  return problems;
}

/**
 * A moment as a person types it: RFC 3339, or a date, which means the end of that day in UTC ("what was in production on
 * 3 March").
 * @throws UsageError `TIME_INVALID`
 */
export function parseMoment(text: string): Date {
  const date = /^\d{4}-\d\d-\d\d$/.test(text) ? new Date(`${text}T23:59:59.999Z`) : new Date(Number.NaN);
  const time = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/.test(text)
    ? new Date(text.replace(' ', 'T'))
    : date;
  if (!Number.isNaN(time.getTime()) && isCalendarDay(text.slice(0, 10))) return time;
  throw new UsageError('TIME_INVALID', `"${text.slice(0, 60)}" is no point in time`, {
    hint: 'write a date such as 2026-03-03, or RFC 3339 such as 2026-03-03T12:00:00Z',
  });
}

/** `Date` takes 31 February for 3 March. */
function isCalendarDay(day: string): boolean {
  const date = new Date(`${day}T00:00:00.000Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day);
}
