import { endianness } from 'node:os';
import { decodeIndexFile, encodeIndexFile, textOf } from '../repository/index-file.ts';
import { MetricTable } from './metric-table.ts';
import { RUN_STATUSES, type LifecycleStage, type RunStatus } from './run.ts';
import { stateFromJson, stateToJson } from './run-document.ts';
import { RunEntry, type EntryParts, type KnownRun } from './run-entry.ts';
import type { RunState } from './run-state.ts';

/** Of the form, and of what it was made from: another one whenever reading a run gives something else. */
const VERSION = `mlops.runs-index/1 ${endianness()}`;
const DOUBLE = Float64Array.BYTES_PER_ELEMENT;
const LIFECYCLES: readonly LifecycleStage[] = ['active', 'deleted'];

/** Numbers of one run, in this order. */
const FIELDS = [
  'month',
  'documentSize',
  'documentInode',
  'documentModified',
  'documentChanged',
  'logInode',
  'logBytes',
  'metricsInode',
  'metricsBytes',
  'startedAt',
  'status',
  'lifecycle',
  'experiment',
  'keys',
  'numbersStart',
  'numbersLength',
  'stateStart',
  'stateLength',
] as const;
type Row = Record<(typeof FIELDS)[number], number>;

interface Names {
  ids: string[];
  months: string[];
  experiments: string[];
  /** Keys of metrics that runs have, each list once. */
  keys: (readonly string[])[];
}

/**
 * Runs as one file that a list can be made from without looking into them: states as JSON that is parsed when somebody asks, metrics as
 * numbers that need no parsing. Only a cache: each entry says which files it was made from.
 */
export function encodeRunIndex(entries: readonly RunEntry[]): Uint8Array {
  const names: Names = { ids: [], months: [], experiments: [], keys: [] };
  const [months, experiments, keys] = [new Numbering(), new Numbering(), new Numbering()];
  const rows = new Float64Array(entries.length * FIELDS.length);
  const states: Buffer[] = [];
  const tables: Float64Array[] = [];
  let numbersStart = 0;
  let stateStart = 0;
  for (const [index, entry] of entries.entries()) {
    const { origin, outline, metrics, place } = entry;
    const table = metrics.parts;
    const state = Buffer.from(JSON.stringify(stateToJson(entry.state)));
    const shape = keys.of(table.keys.join('\n'));
    names.keys[shape] ??= table.keys;
    names.ids.push(place.name);
    const row: Row = {
      month: months.of(place.month),
      documentSize: origin.document.size,
      documentInode: origin.document.inode,
      documentModified: origin.document.modifiedMs,
      documentChanged: origin.document.changedMs,
      logInode: origin.log.inode ?? -1,
      logBytes: origin.log.bytes,
      metricsInode: origin.metrics.inode ?? -1,
      metricsBytes: origin.metrics.bytes,
      startedAt: outline.startedAt,
      status: RUN_STATUSES.indexOf(outline.status),
      lifecycle: LIFECYCLES.indexOf(outline.lifecycle),
      experiment: experiments.of(outline.experimentId),
      keys: shape,
      numbersStart,
      numbersLength: table.numbers.length,
      stateStart,
      stateLength: state.length,
    };
    rows.set(
      FIELDS.map((field) => row[field]),
      index * FIELDS.length,
    );
    numbersStart += table.numbers.length;
    stateStart += state.length;
    states.push(state);
    tables.push(table.numbers);
  }
  names.months = months.names;
  names.experiments = experiments.names;
  const numbers = new Float64Array(numbersStart);
  let at = 0;
  for (const table of tables) {
    numbers.set(table, at);
    at += table.length;
  }
  return encodeIndexFile(VERSION, [
    Buffer.from(JSON.stringify(names)),
    bytesOf(rows),
    bytesOf(numbers),
    Buffer.concat(states),
  ]);
}

/** The entries of an index, by id; empty when it is none, or damaged. Each has to be refreshed before it counts. */
export function decodeRunIndex(bytes: Uint8Array, parts: EntryParts): Map<string, RunEntry> {
  const entries = new Map<string, RunEntry>();
  try {
    const sections = decodeIndexFile(VERSION, bytes);
    if (sections === undefined) return entries;
    const [head, rowBytes, numberBytes, states] = sections;
    if (rowBytes === undefined || numberBytes === undefined || states === undefined) return entries;
    const names = JSON.parse(textOf(head)) as Names;
    const rows = doublesOf(rowBytes);
    const numbers = doublesOf(numberBytes);
    for (const [index, name] of names.ids.entries()) {
      const at = index * FIELDS.length;
      const row = Object.fromEntries(FIELDS.map((field, offset) => [field, rows[at + offset]])) as Row;
      const known = knownRun(row, { names, numbers, states, parts });
      const month = names.months[row.month];
      if (month === undefined || known === undefined) return new Map();
      entries.set(name, RunEntry.from({ month, name }, parts, known));
    }
    return entries;
  } catch {
    // Rubbish is worth nothing and costs nothing.
    return new Map();
  }
}

interface Sections {
  names: Names;
  numbers: Float64Array;
  states: Buffer;
  parts: EntryParts;
}

function knownRun(row: Row, { names, numbers, states, parts }: Sections): KnownRun | undefined {
  const experimentId = names.experiments[row.experiment];
  const status: RunStatus | undefined = RUN_STATUSES[row.status];
  const lifecycle = LIFECYCLES[row.lifecycle];
  const keys = names.keys[row.keys];
  if (experimentId === undefined || status === undefined || lifecycle === undefined || keys === undefined)
    return undefined;
  const text = states.subarray(row.stateStart, row.stateStart + row.stateLength);
  return {
    origin: {
      document: {
        size: row.documentSize,
        inode: row.documentInode,
        modifiedMs: row.documentModified,
        changedMs: row.documentChanged,
      },
      log: { inode: row.logInode === -1 ? undefined : row.logInode, bytes: row.logBytes },
      metrics: { inode: row.metricsInode === -1 ? undefined : row.metricsInode, bytes: row.metricsBytes },
    },
    state: { experimentId, status, lifecycle, startedAt: row.startedAt, load: remembering(text) },
    metrics: MetricTable.from(
      keys,
      numbers.subarray(row.numbersStart, row.numbersStart + row.numbersLength),
      parts.shapes,
    ),
  };
}

/** Parses when asked, and keeps what came of it as long as there is memory: ten thousand states are fifty megabytes. */
function remembering(text: Buffer): () => RunState {
  let known: WeakRef<RunState> | undefined;
  return () => {
    const kept = known?.deref();
    if (kept !== undefined) return kept;
    const state = stateFromJson(JSON.parse(text.toString('utf8')));
    known = new WeakRef(state);
    return state;
  };
}

/** Numbers texts in the order in which they first come. */
class Numbering {
  readonly names: string[] = [];
  readonly #known = new Map<string, number>();

  of(name: string): number {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    this.#known.set(name, this.names.length);
    return this.names.push(name) - 1;
  }
}

function bytesOf(numbers: Float64Array): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}

/** A copy, as a section may start anywhere and doubles must not. */
function doublesOf(bytes: Buffer): Float64Array {
  if (bytes.length % DOUBLE !== 0) throw new RangeError('no whole number of doubles');
  return new Float64Array(new Uint8Array(bytes).buffer);
}
