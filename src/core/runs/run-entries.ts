import { MlopsError, UsageError } from '../../errors.ts';
import { printable } from '../../lib/terminal-text.ts';
import type { DocumentStore } from '../../storage/document-store.ts';
import type { RunPlace } from '../../storage/run-files.ts';
import { isRunId } from './limits.ts';
import { runPath } from './read-lines.ts';
import { RunEntry, type EntryParts } from './run-entry.ts';
import { decodeRunIndex, encodeRunIndex } from './run-index.ts';
import type { RunProblem } from './run-store.ts';
import { hasEnded } from './run-state.ts';

const INDEX = 'runs';
/** A few unindexed runs cost less to read each time than a large index costs to rewrite. */
const WORTH_REWRITING = 64;
/** A document younger than this may be replaced again without a visible change of its times. */
const RACY_MS = 2000;
/** After this time every run was looked at again, also those that ended and that this process does not write. */
const SWEEP_MS = 2000;
/** More runs under way than this are looked at like those that have ended. */
const MOST_WATCHED = 1000;

export interface AllRuns {
  readonly entries: Iterable<RunEntry>;
  readonly problems: readonly RunProblem[];
}

/**
 * The runs of a clone in memory. A process that lives for long looks at runs under way, at those it writes and at new ones each time
 * it is asked for all, and at the others in turn, so that each is looked at every two seconds.
 */
export class RunEntries {
  readonly #parts: EntryParts;
  readonly #documents: DocumentStore;
  readonly #entries = new Map<string, RunEntry>();
  readonly #problems = new Map<string, RunProblem>();
  readonly #months = new Map<string, string>();
  /** Runs that this process wrote to since they were looked at. */
  readonly #touched = new Set<string>();
  /** Runs that had not ended when they were last looked at. */
  readonly #underWay = new Set<string>();
  /** Runs that the sweep under way has still to look at. */
  #sweep: RunEntry[] = [];
  #lookedAt: number | undefined;
  #indexed = false;
  /** Entries that the index does not have, or has otherwise. */
  #unindexed = 0;

  constructor(parts: EntryParts, documents: DocumentStore) {
    this.#parts = parts;
    this.#documents = documents;
  }

  /** @param options.metrics read those too @throws UsageError `RUN_NOT_FOUND`; IntegrityError `RUN_DAMAGED` */
  get(id: string, { metrics }: { metrics: boolean }): RunEntry {
    const known = this.#entries.get(id);
    if (known?.refresh({ metrics }) === true) {
      this.#note(known);
      return known;
    }
    this.#entries.delete(id);
    const place = isRunId(id) ? this.#parts.files.find(id) : undefined;
    const entry = place === undefined ? undefined : RunEntry.read(place, this.#parts);
    if (entry?.refresh({ metrics }) !== true) {
      throw new UsageError('RUN_NOT_FOUND', `there is no run ${printable(id.slice(0, 64))}`, {
        hint: 'see the runs: mlops runs list',
      });
    }
    this.#entries.set(id, entry);
    this.#note(entry);
    return entry;
  }

  /** A run that this process created. */
  add(entry: RunEntry): void {
    this.#entries.set(entry.id, entry);
    this.#unindexed += 1;
    this.#note(entry);
    this.touch(entry);
  }

  /** After this process wrote to a run. */
  touch({ id }: RunEntry): void {
    this.#touched.add(id);
  }

  forget(id: string): void {
    this.#entries.delete(id);
    this.#underWay.delete(id);
    this.#touched.delete(id);
  }

  /** Every run, with its metrics. What can't be read is a problem, and no run. */
  async all(): Promise<AllRuns> {
    if (!this.#indexed) await this.#readIndex();
    const now = performance.now();
    const elapsed = this.#lookedAt === undefined ? Infinity : now - this.#lookedAt;
    this.#lookedAt = now;
    if (elapsed >= SWEEP_MS) {
      this.#sweep = [];
      this.#lookEverywhere();
    } else {
      this.#lookAtMonths((month) => this.#months.get(month) !== this.#parts.files.monthState(month));
      this.#lookAtSome(elapsed);
    }
    return { entries: this.#entries.values(), problems: [...this.#problems.values()] };
  }

  /** Keeps what was found out for the next process, where it is worth it. */
  async saveIndex(): Promise<void> {
    const total = this.#entries.size;
    if (this.#unindexed <= WORTH_REWRITING && this.#unindexed * 10 <= total) return;
    const settled = this.#parts.now() - RACY_MS;
    const entries = [...this.#entries.values()].filter(({ origin: { document } }) => {
      return Math.max(document.modifiedMs, document.changedMs) < settled;
    });
    this.#unindexed = 0;
    if (entries.length > 0) await this.#documents.writeCache(INDEX, encodeRunIndex(entries));
  }

  async #readIndex(): Promise<void> {
    this.#indexed = true;
    const bytes = await this.#documents.readCache(INDEX);
    if (bytes === undefined) return;
    for (const [id, entry] of decodeRunIndex(bytes, this.#parts))
      if (!this.#entries.has(id)) this.#entries.set(id, entry);
  }

  #lookEverywhere(): void {
    const seen = new Set<string>();
    this.#lookAtMonths(
      () => true,
      (id) => seen.add(id),
    );
    for (const id of this.#entries.keys()) if (!seen.has(id)) this.forget(id);
    for (const id of this.#problems.keys()) if (!seen.has(id)) this.#problems.delete(id);
    this.#touched.clear();
  }

  /** Looks at every run of a month that is new here, or with `each` at all of them. */
  #lookAtMonths(isWanted: (month: string) => boolean, each?: (id: string) => void): void {
    const { files } = this.#parts;
    for (const month of files.months()) {
      if (!isWanted(month)) continue;
      const state = files.monthState(month);
      if (state !== undefined) this.#months.set(month, state);
      for (const name of files.names(month)) {
        if (!isRunId(name)) continue;
        each?.(name);
        if (each !== undefined || !this.#entries.has(name)) this.#look({ month, name });
      }
    }
  }

  #lookAtSome(elapsed: number): void {
    const chosen = new Set(this.#touched);
    this.#touched.clear();
    if (this.#underWay.size <= MOST_WATCHED) for (const id of this.#underWay) chosen.add(id);
    if (this.#sweep.length === 0) this.#sweep = [...this.#entries.values()];
    const share = Math.ceil((this.#entries.size * elapsed) / SWEEP_MS);
    for (const { id } of this.#sweep.splice(-share)) chosen.add(id);
    for (const id of chosen) {
      const place = this.#entries.get(id)?.place;
      if (place !== undefined) this.#look(place);
    }
  }

  #look(place: RunPlace): void {
    const { name } = place;
    try {
      const known = this.#entries.get(name);
      const before = known?.origin;
      if (known?.place.month === place.month && known.refresh({ metrics: true })) {
        if (known.origin !== before) this.#unindexed += 1;
        this.#note(known);
        this.#problems.delete(name);
        return;
      }
      this.#entries.delete(name);
      const entry = RunEntry.read(place, this.#parts);
      if (entry?.refresh({ metrics: true }) !== true) {
        this.forget(name);
        // Without its document a directory is what an interrupted removal, or Git, left behind.
        return;
      }
      this.#entries.set(name, entry);
      this.#note(entry);
      this.#unindexed += 1;
      this.#problems.delete(name);
    } catch (error) {
      if (!(error instanceof MlopsError)) throw error;
      this.forget(name);
      const { code, message, hint } = error;
      this.#problems.set(name, { path: runPath(place, 'run.json'), code, message, hint });
    }
  }

  #note(entry: RunEntry): void {
    if (hasEnded(entry.outline.status)) this.#underWay.delete(entry.id);
    else this.#underWay.add(entry.id);
  }
}
