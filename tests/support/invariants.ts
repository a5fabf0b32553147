import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync, type Stats } from 'node:fs';
import { basename, join, relative, sep } from 'node:path';

/**
 * The invariants of a repository, checked from outside with code of its own that follows docs/format.md and shares nothing
 * with the program:
 * I1 every object's bytes hash to its name. I2 every pointer resolves to event, record, manifest and blobs. I3 nothing that
 * was reported as stored disappears or changes. I4 every pointer can be parsed and names an allowed version. I6 every version
 * has exactly one registering event, every event hashes to its name. I7 no temporary, lock or marker after a normal end.
 * I8 nothing outside `.mlops` changes. I9 no secret is in `.mlops`. (I5, that running again converges, is for the test to do.)
 */
export interface RepositoryState {
  root: string;
  /** Documents below `.mlops/models` as text, by path below `.mlops`. */
  documents: ReadonlyMap<string, string>;
  /** Objects by path below `.mlops/cache`; the value is the SHA-256 of the bytes. */
  objects: ReadonlyMap<string, string>;
  /** Blob ids that the packs' tables name. */
  blobs: ReadonlySet<string>;
  /** Paths below `.mlops` of temporaries, locks and markers. */
  leftovers: readonly string[];
  /** Everything outside `.mlops` and `.git`: kind, mode and content by path. */
  outside: ReadonlyMap<string, string>;
}

export interface Expectation {
  /** The state before the command; its documents must still be there, unchanged but for the pointers. */
  before?: RepositoryState;
  /** Versions that each pointer may name, by its path below `.mlops`; `undefined` allows that there is none. */
  pointers?: Readonly<Record<string, readonly (string | undefined)[]>>;
  /** The command was killed, so temporaries, the lock and the marker may be left. */
  crashed?: boolean;
  /** Paths outside `.mlops` that the command was asked to write. */
  outputs?: readonly string[];
  /** Texts that must be in no file below `.mlops`. */
  secrets?: readonly string[];
}

interface Pointer {
  version: string;
  digest: string;
  event: string;
  model: string;
}

const LARGE = 64 * 1024 * 1024;

export function observe(root: string): RepositoryState {
  const mlops = join(root, '.mlops');
  const documents = new Map<string, string>();
  const objects = new Map<string, string>();
  const blobs = new Set<string>();
  const leftovers: string[] = [];
  for (const { path, stats } of walk(mlops)) {
    const name = relative(mlops, path).split(sep).join('/');
    if (!stats.isFile()) continue;
    if (basename(path).startsWith('.tmp-') || name.startsWith('tmp/')) leftovers.push(name);
    else if (name.startsWith('models/')) documents.set(name, readFileSync(path, 'utf8'));
    else if (/^cache\/(packs|manifests)\//.test(name)) {
      const bytes = readFileSync(path);
      objects.set(name.slice('cache/'.length), sha256(bytes));
      if (name.startsWith('cache/packs/')) for (const id of blobsOf(bytes)) blobs.add(id);
    }
  }
  return { root, documents, objects, blobs, leftovers, outside: snapshot(root) };
}

/** What is wrong with the repository, one line each; empty when all is well. */
export function violations(state: RepositoryState, expectation: Expectation = {}): string[] {
  const { before, crashed = false, outputs = [], secrets = [] } = expectation;
  const found = [
    ...badObjects(state),
    ...badEvents(state),
    ...badPointers(state, expectation.pointers ?? {}),
    ...(before === undefined ? [] : vanished(before, state)),
    ...(before === undefined ? [] : changedOutside(before, state, outputs)),
    ...leaked(state.root, secrets),
  ];
  if (!crashed) found.push(...state.leftovers.map((path) => `I7: ${path} is left`));
  return found;
}

function badObjects({ objects }: RepositoryState): string[] {
  return [...objects].flatMap(([path, hash]) =>
    basename(path) === hash ? [] : [`I1: ${path} hashes to ${hash}`],
  );
}

/** Every event's name ends in the start of its hash; every version of an event has one, and its record is what it saw. */
function badEvents({ documents }: RepositoryState): string[] {
  const found: string[] = [];
  const registered = new Map<string, number>();
  for (const [path, text] of documents) {
    const [, model = '', folder, name = ''] = path.split('/');
    if (folder !== 'events') continue;
    if (!name.endsWith(`-${sha256(text).slice(0, 16)}.json`))
      found.push(`I6: ${path} does not hash to its name`);
    const event = parse(path, text, found);
    if (event?.['type'] !== 'saved' && event?.['type'] !== 'imported') continue;
    const { version } = event['subject'] as { version: string };
    const record = `models/${model}/versions/${version}.json`;
    registered.set(record, (registered.get(record) ?? 0) + 1);
    const [evidence] = event['evidence'] as { digest: string }[];
    const bytes = documents.get(record);
    if (bytes === undefined) found.push(`I3: ${record} is missing, but ${path} registers it`);
    else if (evidence?.digest !== `sha256:${sha256(bytes)}`)
      found.push(`I3: ${record} is not what ${path} saw`);
  }
  for (const [record, count] of registered)
    if (count > 1) found.push(`I6: ${count} events register ${record}`);
  return found;
}

function badPointers(state: RepositoryState, allowed: NonNullable<Expectation['pointers']>): string[] {
  const { documents } = state;
  const found: string[] = [];
  for (const [path, text] of documents) {
    if (!path.includes('/stages/')) continue;
    const pointer = parse(path, text, found) as Pointer | undefined;
    if (pointer === undefined) continue;
    found.push(...unresolved(path, pointer, state));
    const versions = allowed[path];
    if (versions !== undefined && !versions.includes(pointer.version))
      found.push(`I4: ${path} names ${pointer.version}`);
  }
  for (const [path, versions] of Object.entries(allowed)) {
    if (!documents.has(path) && !versions.includes(undefined)) found.push(`I4: ${path} is gone`);
  }
  return found;
}

function unresolved(
  path: string,
  pointer: Pointer,
  { root, documents, objects, blobs }: RepositoryState,
): string[] {
  const { model, version, digest } = pointer;
  const found: string[] = [];
  const record = documents.get(`models/${model}/versions/${version}.json`);
  if (record === undefined || !record.includes(digest))
    found.push(`I2: ${path} names ${version}, which has no such record`);
  const events = [...documents].filter(([name]) => name.startsWith(`models/${model}/events/`));
  if (!events.some(([, text]) => `sha256:${sha256(text)}` === pointer.event))
    found.push(`I2: ${path} names an event that is not there`);
  const hex = digest.replace('sha256:', '');
  const manifest = `manifests/${hex.slice(0, 2)}/${hex}`;
  if (!objects.has(manifest)) return [...found, `I2: ${path} needs ${manifest}, which is not there`];
  const { files } = JSON.parse(readFileSync(join(root, '.mlops/cache', manifest), 'utf8')) as {
    files: { path: string; size: number; sha256: string; blobs?: string[] }[];
  };
  for (const file of files) {
    const ids = file.blobs ?? (file.size === 0 ? [] : [file.sha256]);
    if (!ids.every((id) => blobs.has(id)))
      found.push(`I2: ${path} needs blobs of ${file.path || 'its file'} that are not there`);
  }
  return found;
}

/** Records and events may only be added. */
function vanished(before: RepositoryState, after: RepositoryState): string[] {
  const found: string[] = [];
  for (const [path, text] of before.documents) {
    if (path.includes('/stages/')) continue;
    const now = after.documents.get(path);
    if (now === undefined) found.push(`I3: ${path} is gone`);
    else if (now !== text) found.push(`I3: ${path} was changed`);
  }
  return found;
}

function changedOutside(
  before: RepositoryState,
  after: RepositoryState,
  outputs: readonly string[],
): string[] {
  const found: string[] = [];
  const declared = (path: string): boolean =>
    outputs.some((output) => path === output || path.startsWith(`${output}/`));
  for (const path of new Set([...before.outside.keys(), ...after.outside.keys()])) {
    if (before.outside.get(path) !== after.outside.get(path) && !declared(path))
      found.push(`I8: ${path} was changed`);
  }
  return found;
}

/** Searches raw bytes, so that a secret inside a pack or a cache is found as well as one in a document. */
function leaked(root: string, secrets: readonly string[]): string[] {
  if (secrets.length === 0) return [];
  const found: string[] = [];
  for (const { path, stats } of walk(join(root, '.mlops'))) {
    if (!stats.isFile()) continue;
    const bytes = readFileSync(path);
    for (const secret of secrets)
      if (bytes.includes(secret)) found.push(`I9: ${relative(root, path)} holds a secret`);
  }
  return found;
}

function parse(path: string, text: string, found: string[]): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    found.push(`I4: ${path} is no JSON`);
    return undefined;
  }
}

/** Ids in a pack's table of contents, docs/format.md 6.2; none when it is cut off. */
function blobsOf(pack: Buffer): string[] {
  if (pack.length < 24 || pack.toString('latin1', pack.length - 8) !== 'MLOPSPKT') return [];
  const count = pack.readUInt32LE(pack.length - 16);
  const start = pack.length - 16 - count * 49;
  if (start < 8) return [];
  return Array.from({ length: count }, (_, index) =>
    pack.toString('hex', start + index * 49, start + index * 49 + 32),
  );
}

/** Kind, mode and content of everything below a directory but `.mlops` and `.git` of its top. */
export function snapshot(root: string): Map<string, string> {
  const entries = new Map<string, string>();
  for (const { path, stats } of walk(root, new Set(['.mlops', '.git']))) {
    const content = contentOf(path, stats);
    entries.set(relative(root, path), `${(stats.mode & 0o177777).toString(8)} ${content}`);
  }
  return entries;
}

/** Of files too large to read for each look, size and times have to do. */
function contentOf(path: string, stats: Stats): string {
  if (stats.isSymbolicLink()) return readlinkSync(path);
  if (!stats.isFile()) return '';
  return stats.size > LARGE ? `${stats.size} ${stats.mtimeMs}` : sha256(readFileSync(path));
}

function* walk(
  directory: string,
  except: ReadonlySet<string> = new Set(),
): Generator<{ path: string; stats: Stats }> {
  for (const name of readdirSync(directory).sort()) {
    if (except.has(name)) continue;
    const path = join(directory, name);
    const stats = lstatSync(path);
    yield { path, stats };
    if (stats.isDirectory()) yield* walk(path);
  }
}

export function sha256(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
