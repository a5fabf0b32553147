import { MlopsError } from '../../errors.ts';
import type { RunFiles, RunPlace } from '../../storage/run-files.ts';
import { gitPath } from '../repository/layout.ts';
import type { Repository } from '../repository/repository.ts';
import { EXPERIMENTS_DIRECTORY, parseExperiment } from './experiment-document.ts';
import { isLoggedModelId, isRunId } from './limits.ts';
import { decodeLogLine } from './log-lines.ts';
import { decodeMetric } from './metric-lines.ts';
import { MetricTable, Shapes } from './metric-table.ts';
import { readModel } from './model-document.ts';
import { readLines, runPath } from './read-lines.ts';
import { decodeRun } from './run-document.ts';
import { RunEntry } from './run-entry.ts';
import type { MetricSummary } from './run.ts';

export interface RunDamage {
  /** Below the Git root. */
  path: string;
  digest: null;
  problem: string;
}

export interface VerifiedRuns {
  runs: number;
  /** Artifacts that sound runs name. */
  digests: readonly string[];
  damage: readonly RunDamage[];
  /** Worth knowing, and no damage. */
  notices: readonly string[];
}

/**
 * Reads every line of every run and logged model: documents in canonical form, that what a document sums up is what the lines say, lines that are whole.
 * Half a line is what a killed writer leaves, and a notice.
 */
export async function verifyRuns(repository: Repository): Promise<VerifiedRuns> {
  const files = await repository.runFiles();
  const digests = new Set<string>();
  const damage: RunDamage[] = [];
  const notices: string[] = [];
  let runs = 0;
  for (const month of files.months()) {
    for (const name of files.names(month)) {
      const place = { month, name };
      const file = isLoggedModelId(name) ? 'model.json' : 'run.json';
      if (!isLoggedModelId(name) && !isRunId(name)) continue;
      runs += 1;
      try {
        const mounts = isRunId(name)
          ? verifyRun(repository, files, place, notices)
          : verifyModel(files, place, notices);
        for (const digest of mounts) digests.add(digest);
      } catch (error) {
        if (!(error instanceof MlopsError)) throw error;
        damage.push({ path: runPath(place, file), digest: null, problem: error.message });
      }
    }
  }
  damage.push(...(await experimentDamage(repository)));
  return { runs, digests: [...digests], damage, notices };
}

function verifyRun(repository: Repository, files: RunFiles, place: RunPlace, notices: string[]): string[] {
  const shapes = new Shapes();
  const path = runPath(place, 'run.json');
  const bytes = files.read(place, 'run.json');
  if (bytes === undefined) {
    notices.push(`${path} is missing; what else is there is left from an interrupted removal`);
    return [];
  }
  const { metrics, metricsBytes } = decodeRun(bytes, { path, canonical: true, shapes });
  const history = runPath(place, 'metrics.jsonl');
  const size = files.state(place, 'metrics.jsonl')?.size ?? 0;
  if (size < metricsBytes)
    throw new RunProblem(`${history} has ${size} bytes, and run.json sums up ${metricsBytes} of it`);
  assertSummed(files, place, metricsBytes, metrics);
  noteRubbish({ files, place, file: 'metrics.jsonl' }, decodeMetric, notices);
  noteRubbish({ files, place, file: 'log.jsonl' }, decodeLogLine, notices);
  const parts = { files, shapes, now: () => repository.now().getTime(), canWrite: false };
  const entry = RunEntry.read(place, parts);
  entry?.refresh({ metrics: false });
  return (entry?.state.artifacts ?? []).map(({ digest }) => digest);
}

function verifyModel(files: RunFiles, place: RunPlace, notices: string[]): string[] {
  noteRubbish({ files, place, file: 'log.jsonl' }, decodeLogLine, notices);
  return (readModel(files, place)?.artifacts ?? []).map(({ digest }) => digest);
}

/** Damage that is no error of reading. */
class RunProblem extends MlopsError {
  constructor(message: string) {
    super('RUN_DAMAGED', 3, message);
  }
}

/** The lines up to the document's point say what it says. */
function assertSummed(files: RunFiles, place: RunPlace, bytes: number, told: MetricTable): void {
  let table = MetricTable.empty;
  const shapes = new Shapes();
  let at = 0;
  const points: NonNullable<ReturnType<typeof decodeMetric>>[] = [];
  const take = (): void => {
    table = table.with(points.splice(0), shapes);
  };
  readLines({ files, place, file: 'metrics.jsonl', offset: 0 }, (line) => {
    at += Buffer.byteLength(line) + 1;
    if (at > bytes) return false;
    const point = decodeMetric(line);
    if (point !== undefined) points.push(point);
    if (points.length >= 100_000) take();
    return true;
  });
  take();
  for (const key of new Set([...table.keys(), ...told.keys()])) {
    if (sameSummary(table.get(key), told.get(key))) continue;
    throw new RunProblem(
      `${runPath(place, 'run.json')} and metrics.jsonl beside it disagree about the metric "${key}"; one of them was changed`,
    );
  }
}

function sameSummary(first: MetricSummary | undefined, second: MetricSummary | undefined): boolean {
  if (first === undefined || second === undefined) return first === second;
  return (['value', 'step', 'time', 'count', 'min', 'minStep', 'max', 'maxStep'] as const).every(
    (name) => Object.is(first[name], second[name]) || first[name] === second[name],
  );
}

function noteRubbish(
  source: { files: RunFiles; place: RunPlace; file: 'log.jsonl' | 'metrics.jsonl' },
  decode: (line: string) => unknown,
  notices: string[],
): void {
  let broken = 0;
  readLines({ ...source, offset: 0 }, (line) => {
    if (decode(line) === undefined && !isWholeObject(line)) broken += 1;
  });
  if (broken === 0) return;
  const path = runPath(source.place, source.file);
  const what = broken === 1 ? '1 line was' : `${broken} lines were`;
  notices.push(`${path}: ${what} not written whole, as when a writer is killed, and counts as nothing`);
}

/** One that a newer program wrote is no rubbish. */
function isWholeObject(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

async function experimentDamage({ documents }: Repository): Promise<RunDamage[]> {
  const damage: RunDamage[] = [];
  for (const file of await documents.readDirectory(EXPERIMENTS_DIRECTORY)) {
    try {
      parseExperiment(file.name.replace(/\.json$/, ''), file.read());
    } catch (error) {
      if (!(error instanceof MlopsError)) throw error;
      damage.push({
        path: gitPath(`${EXPERIMENTS_DIRECTORY}/${file.name}`),
        digest: null,
        problem: error.message,
      });
    }
  }
  return damage;
}
