import { RefusedError } from '../../errors.ts';
import { printable } from '../../lib/terminal-text.ts';
import { parseEvent } from '../audit/event.ts';
import { parsePointer } from '../data/pointer.ts';
import { artifactsOf, parseRecord } from '../registry/record.ts';
import { StagePointer } from '../registry/stage-pointer.ts';
import { Shapes } from '../runs/metric-table.ts';
import { decodeRun } from '../runs/run-document.ts';
import { parseDocument } from './document.ts';
import { assertFormatKnown } from './format.ts';
import { DRIFT_REPORTS_DIRECTORY, FORMAT_PATH, gitPath, RUNS_DIRECTORY } from './layout.ts';

/**
 * Why an artifact is needed. `version`: it is one that was not deleted. `lineage`: a version says that it came from it.
 * `run`: it is among the artifacts of a run, or of a logged model.
 * `document`: a document of a kind that this program does not know names it, so it is not for it to judge. `hold`: somebody said so.
 */
export type NeedKind = 'version' | 'stage' | 'data' | 'lineage' | 'run' | 'document' | 'hold';

export interface NeededArtifact {
  /** `sha256:<64 hex>`. */
  readonly digest: string;
  readonly kind: NeedKind;
  /** `<model>@<version>`, `<model>@<stage>`, the path of tracked data, the id of a run, or the path of the document. */
  readonly name: string;
}

/** What one document says of artifacts. */
export interface DocumentNeeds {
  readonly needs: readonly NeededArtifact[];
  /** `<model>@<version>` that this document, an event, says was deleted. */
  readonly deleted?: string;
}

const NOTHING: DocumentNeeds = { needs: [] };
const ANY_DIGEST = /(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])/g;
/** Directories and files of `.mlops` that are of this clone only; a commit that has them has them by mistake. */
const NEVER_READ: ReadonlySet<string> = new Set(['cache', 'tmp', 'local.json']);
const WITHOUT_NEEDS: ReadonlySet<string> = new Set(['config.json', '.gitignore', '.gitattributes']);

/** False for what names no artifact, so that nobody has to read it. @param path below `.mlops` */
export function mayNeedArtifacts(path: string): boolean {
  const [top = '', , third, name] = path.split('/');
  if (NEVER_READ.has(top) || WITHOUT_NEEDS.has(path) || top === 'events' || isReport(path)) return false;
  // The history of a run's metrics may be large, and names nothing.
  if (top === RUNS_DIRECTORY) return name === undefined || name.endsWith('.json');
  if (top !== 'models') return true;
  if (third === 'events') return name === undefined || name.includes('-deleted-');
  return third !== 'model.json';
}

/** A kept drift report is all there is to it: names and values of data may look like digests, and are none. */
function isReport(path: string): boolean {
  return path === DRIFT_REPORTS_DIRECTORY || path.startsWith(`${DRIFT_REPORTS_DIRECTORY}/`);
}

/**
 * One document of the repository, from a commit, the index or the work tree. Strict: what can't be read may need anything.
 *
 * @param path below `.mlops`
 * @throws MlopsError for a document that can't be trusted
 */
export function documentNeeds(path: string, bytes: Uint8Array): DocumentNeeds {
  const parts = path.split('/');
  const [top, model = '', kind, name = ''] = parts;
  if (path === FORMAT_PATH) {
    assertFormatKnown(bytes);
    return NOTHING;
  }
  if (!path.endsWith('.json')) return scan(path, bytes);
  if (top === 'data') {
    const pointer = parsePointer(bytes, path);
    return { needs: [{ digest: pointer.digest, kind: 'data', name: pointer.path }] };
  }
  if (top === RUNS_DIRECTORY && name === 'run.json') return runDocumentNeeds(path, bytes);
  if (top !== 'models' || parts.length !== 4) return scan(path, bytes);
  if (kind === 'versions') return recordNeeds(bytes, { model, name });
  if (kind === 'stages') return stageNeeds(path, bytes);
  if (kind === 'events') return eventNeeds(bytes, { model, name });
  return scan(path, bytes);
}

/** A version keeps its own bytes and its reference profile, and whatever else its record names that is stored here, such as tracked training data. */
function recordNeeds(bytes: Uint8Array, file: { model: string; name: string }): DocumentNeeds {
  const { record } = parseRecord(bytes, file);
  const name = `${record.model}@${record.version}`;
  const own = artifactsOf(record);
  const others = digestsIn(bytes).filter((digest) => !own.includes(digest));
  return {
    needs: [
      ...own.map((digest): NeededArtifact => ({ digest, kind: 'version', name })),
      ...others.map((digest): NeededArtifact => ({ digest, kind: 'lineage', name })),
    ],
  };
}

/** A run that was kept needs its artifacts, and is a reason to keep what it came from. */
function runDocumentNeeds(path: string, bytes: Uint8Array): DocumentNeeds {
  const { state } = decodeRun(bytes, { path: gitPath(path), canonical: true, shapes: new Shapes() });
  const own = new Set(state.artifacts.map(({ digest }) => digest));
  const others = digestsIn(bytes).filter((digest) => !own.has(digest));
  return {
    needs: [
      ...[...own].map((digest): NeededArtifact => ({ digest, kind: 'run', name: state.id })),
      ...others.map((digest): NeededArtifact => ({ digest, kind: 'lineage', name: state.id })),
    ],
  };
}

function stageNeeds(path: string, bytes: Uint8Array): DocumentNeeds {
  const file = gitPath(path);
  const pointer = parseDocument(bytes, StagePointer, { path: file, canonical: true });
  const { model, stage, digest } = pointer;
  if (path !== `models/${model}/stages/${stage}.json`) {
    throw new RefusedError('UNSAFE_PATH', `${printable(file)} is the pointer of ${model}@${stage}`, {
      hint: 'it was moved or copied by hand; restore it from Git',
    });
  }
  return { needs: [{ digest, kind: 'stage', name: `${model}@${stage}` }] };
}

function eventNeeds(bytes: Uint8Array, file: { model: string; name: string }): DocumentNeeds {
  const { type, subject } = parseEvent(bytes, file);
  if (type !== 'deleted' || subject.version === undefined) return NOTHING;
  return { needs: [], deleted: `${file.model}@${subject.version}` };
}

function scan(path: string, bytes: Uint8Array): DocumentNeeds {
  return { needs: digestsIn(bytes).map((digest) => ({ digest, kind: 'document', name: path })) };
}

function digestsIn(bytes: Uint8Array): string[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  return [...new Set(text.match(ANY_DIGEST))].map((hex) => `sha256:${hex}`);
}

/** The needs of documents that belong together, without those of versions that one of them says were deleted. */
export function withoutDeleted(documents: readonly DocumentNeeds[]): NeededArtifact[] {
  const deleted = new Set(documents.flatMap(({ deleted: name }) => (name === undefined ? [] : [name])));
  const needs = documents.flatMap((document) => document.needs);
  if (deleted.size === 0) return needs;
  return needs.filter(({ kind, name }) => (kind !== 'version' && kind !== 'lineage') || !deleted.has(name));
}
