import { randomBytes } from 'node:crypto';
import { IntegrityError } from '../../errors.ts';
import type { RunFiles, RunFileState, RunPlace } from '../../storage/run-files.ts';
import { RUN_LIMITS } from './limits.ts';
import { decodeLogLine, encodeLogLine, type LogLine } from './log-lines.ts';
import { decodeMetric, encodeMetric } from './metric-lines.ts';
import type { MetricTable, Shapes } from './metric-table.ts';
import { readLines, runPath } from './read-lines.ts';
import type { MetricPoint } from './run.ts';
import { decodeRun, encodeRun } from './run-document.ts';
import { applyToRun, type RunState } from './run-state.ts';

/** What all entries share. */
export interface EntryParts {
  readonly files: RunFiles;
  readonly shapes: Shapes;
  /** Milliseconds since 1970. */
  now(): number;
  /** False where nothing may be written: what is found out about dead writers is then found out again by the next reader. */
  readonly canWrite: boolean;
}

/** The members of a state that an index has at hand. */
export type RunOutline = Pick<RunState, 'experimentId' | 'status' | 'lifecycle' | 'startedAt'>;

/** A state, or what makes it when somebody asks. */
export type StateSource = RunState | (RunOutline & { load(): RunState });

export interface KnownRun {
  origin: EntryOrigin;
  state: StateSource;
  metrics: MetricTable;
}

/** How far a file of lines was read. */
export interface Cursor {
  /** Undefined before there was a file. */
  readonly inode: number | undefined;
  readonly bytes: number;
}

/** What an entry was made from; an index keeps it to tell whether it still holds. */
export interface EntryOrigin {
  readonly document: RunFileState;
  readonly log: Cursor;
  readonly metrics: Cursor;
}

const DOCUMENT = 'run.json';
const LOG = 'log.jsonl';
const METRICS = 'metrics.jsonl';
/** Applied to a table together: each time, the table is copied. */
const POINTS_AT_ONCE = 100_000;

/** One run in memory: its document, and as much of its two other files as was read. Its state is replaced, never changed. */
export class RunEntry {
  readonly place: RunPlace;
  readonly #parts: EntryParts;
  #origin: EntryOrigin;
  #state: StateSource;
  #metrics: MetricTable;

  private constructor(place: RunPlace, parts: EntryParts, known: KnownRun) {
    this.place = place;
    this.#parts = parts;
    this.#origin = known.origin;
    this.#state = known.state;
    this.#metrics = known.metrics;
  }

  /** Reads the document; undefined when there is none. @throws as `decodeRun`; IntegrityError `RUN_DAMAGED` */
  static read(place: RunPlace, parts: EntryParts): RunEntry | undefined {
    const known = readDocument(place, parts);
    return known === undefined ? undefined : new RunEntry(place, parts, known);
  }

  /** From an index; `refresh` says whether it still holds. */
  static from(place: RunPlace, parts: EntryParts, known: KnownRun): RunEntry {
    return new RunEntry(place, parts, known);
  }

  get id(): string {
    return this.place.name;
  }

  get origin(): EntryOrigin {
    return this.#origin;
  }

  /** What lists are filtered and sorted by most, without making more of the state than that. As of the last refresh. */
  get outline(): RunOutline {
    return this.#state;
  }

  /** As of the last refresh. */
  get state(): RunState {
    return 'load' in this.#state ? this.#state.load() : this.#state;
  }

  /** As of the last refresh of metrics. */
  get metrics(): MetricTable {
    return this.#metrics;
  }

  /** Takes in what was written since. False when the run is gone. @throws as `read` */
  refresh(options: { metrics: boolean }): boolean {
    const document = this.#parts.files.state(this.place, DOCUMENT);
    if (document === undefined) return false;
    const isSame =
      sameFile(document, this.#origin.document) && this.#onlyGrew(LOG) && this.#onlyGrew(METRICS);
    if (!isSame) {
      const known = readDocument(this.place, this.#parts);
      if (known === undefined) return false;
      this.#origin = known.origin;
      this.#state = known.state;
      this.#metrics = known.metrics;
    }
    this.#readLog();
    if (options.metrics) this.#readMetrics();
    this.#judgeWriter();
    return true;
  }

  /** Appends lines to the log. The next refresh takes them in. */
  append(lines: readonly LogLine[]): void {
    if (lines.length === 0) return;
    const { files, now } = this.#parts;
    const head = files.state(this.place, LOG) === undefined ? [logHead(now())] : [];
    files.append(this.place, LOG, Buffer.from([...head, ...lines].map(encodeLogLine).join('')));
  }

  appendMetrics(points: readonly MetricPoint[]): void {
    if (points.length === 0) return;
    this.#parts.files.append(this.place, METRICS, Buffer.from(points.map(encodeMetric).join('')));
  }

  /** Writes run.json anew, so that readers need not go through the lines again. Everything has to be read before. */
  async snapshot({ durable }: { durable: boolean }): Promise<void> {
    const { files } = this.#parts;
    const bytes = encodeRun({
      state: this.state,
      metrics: this.#metrics,
      metricsBytes: this.#origin.metrics.bytes,
    });
    if (bytes === undefined) return;
    const before = files.read(this.place, DOCUMENT);
    if (before !== undefined && Buffer.compare(before, bytes) === 0) return;
    if (durable) await Promise.all([files.sync(this.place, LOG), files.sync(this.place, METRICS)]);
    await files.replace(this.place, DOCUMENT, bytes, { durable });
  }

  /** Appended to, or as it was; anything else means that another file took its place. */
  #onlyGrew(file: typeof LOG | typeof METRICS): boolean {
    const cursor = file === LOG ? this.#origin.log : this.#origin.metrics;
    if (cursor.inode === undefined) return true;
    const state = this.#parts.files.state(this.place, file);
    return state !== undefined && state.inode === cursor.inode && state.size >= cursor.bytes;
  }

  #readLog(): void {
    const { files } = this.#parts;
    const state = files.state(this.place, LOG);
    const { log } = this.#origin;
    if (state === undefined || (state.inode === log.inode && state.size === log.bytes)) return;
    const offset = log.inode === undefined ? startOfLog(this.place, this.#parts, this.state) : log.bytes;
    const lines: LogLine[] = [];
    const bytes = readLines({ files, place: this.place, file: LOG, offset }, (text) => {
      const line = decodeLogLine(text);
      if (line !== undefined) lines.push(line);
    });
    this.#origin = { ...this.#origin, log: { inode: state.inode, bytes } };
    const next = copyOf(this.state);
    for (const line of lines) applyToRun(next, line);
    const [head] = lines;
    next.log = { id: offset === 0 && head?.type === 'log' ? head.id : next.log.id, bytes };
    this.#state = next;
  }

  #readMetrics(): void {
    const { files, shapes } = this.#parts;
    const state = files.state(this.place, METRICS);
    const { metrics } = this.#origin;
    if (state === undefined || (state.inode === metrics.inode && state.size === metrics.bytes)) return;
    let points: MetricPoint[] = [];
    let table = this.#metrics;
    const bytes = readLines(
      { files, place: this.place, file: METRICS, offset: Math.min(metrics.bytes, state.size) },
      (line) => {
        const point = decodeMetric(line);
        if (point === undefined) return;
        points.push(point);
        if (points.length < POINTS_AT_ONCE) return;
        table = table.with(points, shapes);
        points = [];
      },
    );
    this.#metrics = table.with(points, shapes);
    this.#origin = { ...this.#origin, metrics: { inode: state.inode, bytes } };
  }

  /** A run whose writer is provably gone has failed; see docs/format.md section 5.9. */
  #judgeWriter(): void {
    const { files, canWrite, now } = this.#parts;
    if (this.#state.status !== 'RUNNING') return;
    const { writer, lastTime, startedAt } = this.state;
    if (writer === undefined || !files.hasEnded(writer)) return;
    const touched = [LOG, METRICS].map((file) => files.state(this.place, file)?.modifiedMs ?? 0);
    const endedAt = Math.min(now(), Math.max(startedAt, lastTime, ...touched.map(Math.floor)));
    const line: LogLine = {
      type: 'status',
      time: now(),
      status: 'FAILED',
      endedAt,
      reason: `process ${writer.pid} on ${writer.host}, which answered for it, ended without a word`,
      presumed: true,
    };
    if (canWrite) this.#tryToAppend(line);
    const next = copyOf(this.state);
    applyToRun(next, line);
    this.#state = next;
  }

  #tryToAppend(line: LogLine): void {
    try {
      this.append([line]);
    } catch {
      // Readers work on a full or read-only disk too; the next one comes to the same conclusion.
    }
  }
}

function readDocument(
  place: RunPlace,
  { files, shapes }: EntryParts,
): (KnownRun & { state: RunState }) | undefined {
  const document = files.state(place, DOCUMENT);
  if (document === undefined) return undefined;
  const path = runPath(place, DOCUMENT);
  if (document.size > RUN_LIMITS.documentBytes) {
    throw new IntegrityError('RUN_DAMAGED', `${path} is larger than ${RUN_LIMITS.documentBytes} bytes`);
  }
  const bytes = files.read(place, DOCUMENT);
  if (bytes === undefined) return undefined;
  const { state, metrics, metricsBytes } = decodeRun(bytes, { path, canonical: false, shapes });
  if (state.id !== place.name) {
    throw new IntegrityError('RUN_DAMAGED', `${path} is the document of the run ${state.id}`);
  }
  const origin = {
    document,
    log: { inode: undefined, bytes: state.log.bytes },
    metrics: { inode: undefined, bytes: metricsBytes },
  };
  return { origin, state, metrics };
}

/** The first line of a log. */
export function logHead(time: number): LogLine {
  return { type: 'log', time, id: randomBytes(8).toString('hex') };
}

/** Where the lines start that the document does not sum up: behind its point of the very log it speaks of, else at the top. */
function startOfLog(place: RunPlace, { files }: EntryParts, { log }: RunState): number {
  if (log.id === undefined || log.bytes === 0) return 0;
  let id: string | undefined;
  readLines({ files, place, file: LOG, offset: 0 }, (text) => {
    const line = decodeLogLine(text);
    if (line?.type === 'log') ({ id } = line);
    return false;
  });
  const size = files.state(place, LOG)?.size ?? 0;
  return id === log.id && size >= log.bytes ? log.bytes : 0;
}

/** With collections of its own. */
function copyOf(state: RunState): RunState {
  return {
    ...state,
    params: new Map(state.params),
    tags: new Map(state.tags),
    artifacts: [...state.artifacts],
    inputs: [...state.inputs],
    modelInputs: [...state.modelInputs],
    modelOutputs: [...state.modelOutputs],
    versions: [...state.versions],
  };
}

export function sameFile(first: RunFileState, second: RunFileState): boolean {
  return (
    first.size === second.size &&
    first.inode === second.inode &&
    first.modifiedMs === second.modifiedMs &&
    first.changedMs === second.changedMs
  );
}
