import { ExitCode, MlopsError } from '../../errors.ts';
import type { Git, StagedChange } from '../../git/git.ts';
import { printable } from '../../lib/terminal-text.ts';
import { parseEvent, REGISTERING_EVENT_TYPES } from '../audit/event.ts';
import { parseRecord } from '../registry/record.ts';
import { digestOf } from '../repository/digest.ts';
import { gitPath, MLOPS_DIRECTORY } from '../repository/layout.ts';
import type { HookProblem } from './problem.ts';

/** A document as it is staged, not as it lies in the work tree. */
export interface StagedDocument {
  /** Below `.mlops`. */
  path: string;
  bytes: Uint8Array;
  change: StagedChange['change'];
}

/**
 * Halves of a change: a record without the event that registers it counts as nothing, and a stage pointer without its event is
 * damage, for whoever checks the commit out.
 */
export async function halfChanges(git: Git, documents: readonly StagedDocument[]): Promise<HookProblem[]> {
  const problems: HookProblem[] = [];
  const staged = new Map<string, Set<string>>();
  const eventsOf = async (model: string): Promise<Set<string>> => {
    const known = staged.get(model) ?? new Set<string>();
    if (!staged.has(model)) {
      const directory = gitPath(`models/${model}/events`);
      for (const { path } of await git.listIndex(directory)) known.add(path.slice(directory.length + 1));
      staged.set(model, known);
    }
    return known;
  };
  const registered = registeredRecords(documents);
  for (const { path, bytes, change } of documents) {
    const [top, model = '', kind, name = ''] = path.split('/');
    if (top !== 'models' || change === 'deleted') continue;
    if (kind === 'versions' && change === 'added' && !registered.has(digestOf(bytes))) {
      if (!isRecord(bytes, { model, name }) || (await isRegistered(git, model, digestOf(bytes)))) continue;
      problems.push(half(path, 'the event that registers this version is not staged'));
    }
    if (kind === 'stages') {
      const event = /"event": "sha256:([0-9a-f]{16})/.exec(Buffer.from(bytes).toString('latin1'))?.[1];
      const isStaged =
        event !== undefined && [...(await eventsOf(model))].some((each) => each.endsWith(`-${event}.json`));
      if (event !== undefined && !isStaged)
        problems.push(half(path, 'the event that moved this stage is not staged'));
    }
  }
  return problems;
}

function half(path: string, what: string): HookProblem {
  const file = gitPath(path);
  return {
    code: 'EVENT_NOT_STAGED',
    path: file,
    line: undefined,
    message: `${printable(file)}: ${what}`,
    hint: `git add :/${MLOPS_DIRECTORY}`,
    exitCode: ExitCode.integrity,
  };
}

/** Digests of the records that staged events register. */
function registeredRecords(documents: readonly StagedDocument[]): Set<string> {
  return new Set(documents.flatMap(({ path, bytes }) => recordsOf(path, bytes)));
}

function recordsOf(path: string, bytes: Uint8Array): string[] {
  const [top, model = '', kind, name = ''] = path.split('/');
  if (top !== 'models' || kind !== 'events') return [];
  try {
    const { type, evidence } = parseEvent(bytes, { model, name });
    if (!REGISTERING_EVENT_TYPES.has(type)) return [];
    return evidence.filter((each) => each.type === 'record').map(({ digest }) => digest);
  } catch (error) {
    // Reported where the event itself is read.
    if (error instanceof MlopsError) return [];
    throw error;
  }
}

/** Whether an event that was committed before registers the record; only asked when none that is staged does. */
async function isRegistered(git: Git, model: string, record: string): Promise<boolean> {
  const directory = gitPath(`models/${model}/events`);
  const entries = (await git.listIndex(directory)).filter(({ path }) =>
    /-(?:saved|imported)-[0-9a-f]{16}\.json$/.test(path),
  );
  const names = new Map(entries.map(({ path, id }) => [id, path.slice(MLOPS_DIRECTORY.length + 1)]));
  let found = false;
  await git.readBlobs([...names.keys()], (id, bytes) => {
    found ||= recordsOf(names.get(id) ?? '', Buffer.from(bytes)).includes(record);
  });
  return found;
}

/** What is wrong with a record is reported where it is read. */
function isRecord(bytes: Uint8Array, file: { model: string; name: string }): boolean {
  try {
    parseRecord(bytes, file);
    return true;
  } catch (error) {
    if (error instanceof MlopsError) return false;
    throw error;
  }
}
