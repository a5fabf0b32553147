import { UsageError } from '../../errors.ts';
import {
  loadEventLog,
  logAt,
  stagesInLog,
  stageTips,
  type AuditEvent,
  type EventLog,
} from '../audit/index.ts';
import type { Repository } from '../repository/repository.ts';
import { gitPath, stagePath } from '../repository/layout.ts';
import { assertModelExists, listModels, type ModelProblem } from './model-state.ts';
import { loadStages } from './stage-pointer.ts';

export interface HistoryRequest {
  model?: string | undefined;
  stage?: string | undefined;
}

export interface History {
  /** Newest first. Of several models: by time. */
  events: readonly AuditEvent[];
  /** Event files that can't be read; what they said is missing above. */
  damaged: readonly { path: string; problem: string }[];
  /** Stages that can't be trusted, such as one with a merge conflict: a reader of the history must hear of them. */
  problems: readonly ModelProblem[];
}

/** @throws UsageError `MODEL_NOT_FOUND` */
export async function history(repository: Repository, request: HistoryRequest): Promise<History> {
  const logs = await logsOf(repository, request.model);
  const problems: ModelProblem[] = [];
  for (const { model, log } of logs) problems.push(...(await stageProblems(repository, model, log)));
  const events = logs.flatMap(({ log }) =>
    log.newestFirst.filter((event) => matchesStage(event, request.stage)),
  );
  const [only] = logs;
  return {
    events: logs.length === 1 && only !== undefined ? events : events.toSorted(newestFirst),
    damaged: logs.flatMap(({ model, log }) =>
      log.damaged.map(({ name, error }) => ({
        path: `models/${model}/events/${name}`,
        problem: error.message,
      })),
    ),
    problems,
  };
}

function matchesStage(event: AuditEvent, stage: string | undefined): boolean {
  return stage === undefined || event.subject.stage === stage;
}

function newestFirst(left: AuditEvent, right: AuditEvent): number {
  if (left.time !== right.time) return left.time < right.time ? 1 : -1;
  return left.id < right.id ? 1 : -1;
}

/** For each model the version that each stage held at a moment; of a stage that branches moved at once, the newest move. */
export async function stagesAt(
  repository: Repository,
  request: HistoryRequest & { at: Date },
): Promise<Map<string, Map<string, string>>> {
  const result = new Map<string, Map<string, string>>();
  for (const { model, log } of await logsOf(repository, request.model)) {
    const then = logAt(log, request.at);
    const stages = new Map<string, string>();
    for (const stage of [...stagesInLog(then)].toSorted()) {
      const version = stageTips(then, stage)[0]?.to;
      if (version !== undefined && (request.stage === undefined || request.stage === stage))
        stages.set(stage, version);
    }
    result.set(model, stages);
  }
  return result;
}

async function logsOf(
  repository: Repository,
  model: string | undefined,
): Promise<{ model: string; log: EventLog }[]> {
  const { documents } = repository;
  if (model !== undefined) await assertModelExists(documents, model);
  const models = model === undefined ? await listModels(documents) : [model];
  const logs = [];
  for (const name of models) logs.push({ model: name, log: await loadEventLog(documents, name) });
  return logs;
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
  if (!Number.isNaN(time.getTime())) return time;
  throw new UsageError('TIME_INVALID', `"${text.slice(0, 60)}" is no point in time`, {
    hint: 'write a date such as 2026-03-03, or RFC 3339 such as 2026-03-03T12:00:00Z',
  });
}

async function stageProblems(repository: Repository, model: string, log: EventLog): Promise<ModelProblem[]> {
  const problems: ModelProblem[] = [];
  for (const [stage, state] of await loadStages(repository, model, log)) {
    if (state.status === 'ok' || (state.status === 'behind' && state.interrupted)) continue;
    problems.push({ kind: 'stage', path: gitPath(stagePath(model, stage)), error: state.problem });
  }
  return problems;
}
