import { MlopsError } from '../../errors.ts';
import type { DocumentFile, DocumentStore } from '../../storage/document-store.ts';
import { decodeIndexFile, encodeIndexFile, textOf } from './index-file.ts';

/** One file of a directory: its parsed value, or why it has none. */
export interface IndexedDocument<T> {
  name: string;
  value?: T;
  error?: MlopsError;
}

/** How the values of a directory are kept in its index. */
export interface IndexCodec<T> {
  /** Names the form; another one for every form there ever was. */
  readonly version: string;
  encode(values: readonly T[]): Uint8Array[];
  /** What was encoded, in the same order. What it throws means that the index is worth nothing. */
  decode(sections: readonly Buffer[]): T[];
}

export interface LoadDirectoryOptions<T> {
  directory: string;
  /** Name of the index below cache/index; change `version` whenever `parse` gives something else. */
  index: { name: string; version: string; codec: IndexCodec<T> };
  parse(bytes: Uint8Array, name: string): T;
  /** Read and parse every file, whatever the index says; default false. For whoever is there to prove content. */
  fresh?: boolean | undefined;
}

/** What the index knows: of each file its name, its fingerprint and its value, sorted by name. */
interface Known<T> {
  names: readonly string[];
  fingerprints: readonly string[];
  values: readonly T[];
}

const NOTHING = { names: [], fingerprints: [], values: [] } as const;

/**
 * Reads all documents of a directory, leaning on a disposable index for those whose fingerprint (size, mtime, ctime, inode)
 * is unchanged. A clone can't bring a usable index along: ctime and inode are this machine's. Without the index the
 * answer is the same, later.
 *
 * Which files there are is settled before this returns its promise, as `DocumentStore.readDirectory` says.
 */
export async function loadDirectory<T>(
  documents: DocumentStore,
  options: LoadDirectoryOptions<T>,
): Promise<IndexedDocument<T>[]> {
  // Started first: the store may look at many files on another core while the index is parsed on this one.
  const listing = documents.readDirectory(options.directory);
  listing.catch(() => undefined);
  const known = options.fresh === true ? NOTHING : await knownOf(documents, options.index);
  const files = await listing;
  let misses = 0;
  let at = 0;
  const loaded = files.map((file): IndexedDocument<T> => {
    const { name, fingerprint } = file;
    // Both lists are sorted by name, so one walk through both finds every match.
    while ((known.names[at] ?? LAST) < name) at += 1;
    const value = known.values[at];
    if (value !== undefined && known.names[at] === name && known.fingerprints[at] === fingerprint)
      return { name, value };
    misses += 1;
    return parseFile(file, options.parse);
  });
  if (options.fresh === true || (misses === 0 && files.length === known.names.length)) return loaded;
  const now = whatIsKnown(files, loaded);
  const learned = now.names.length - (files.length - misses);
  if (learned > WORTH_REWRITING || learned * 10 > files.length)
    await documents.writeCache(options.index.name, encodeKnown(options.index, now));
  remember(documents, options.index, now);
  return loaded;
}

/** What can be known again by its fingerprint. */
function whatIsKnown<T>(files: readonly DocumentFile[], loaded: readonly IndexedDocument<T>[]): Known<T> {
  const names: string[] = [];
  const fingerprints: string[] = [];
  const values: T[] = [];
  for (const [index, { name, fingerprint }] of files.entries()) {
    const value = loaded[index]?.value;
    if (value === undefined || fingerprint === undefined) continue;
    names.push(name);
    fingerprints.push(fingerprint);
    values.push(value);
  }
  return { names, fingerprints, values };
}

/** What this process knows already, as a command that writes looks again under the lock: as good as the index, and here. */
const remembered = new WeakMap<DocumentStore, Map<string, Known<unknown>>>();

async function knownOf<T>(documents: DocumentStore, index: Index<T>): Promise<Known<T>> {
  const known = remembered.get(documents)?.get(keyOf(index)) as Known<T> | undefined;
  if (known !== undefined) return known;
  const read = await readIndex(documents, index);
  remember(documents, index, read);
  return read;
}

function remember<T>(documents: DocumentStore, index: Index<T>, known: Known<T>): void {
  const all = remembered.get(documents) ?? new Map<string, Known<unknown>>();
  remembered.set(documents, all.set(keyOf(index), known));
}

function keyOf<T>(index: Index<T>): string {
  return `${index.name} ${versionOf(index)}`;
}

/** Sorts after every name. */
const LAST = '\uffff';

// A few unindexed files cost less to parse each time than a large index costs to rewrite.
const WORTH_REWRITING = 64;

function parseFile<T>(file: DocumentFile, parse: (bytes: Uint8Array, name: string) => T): IndexedDocument<T> {
  try {
    return { name: file.name, value: parse(file.read(), file.name) };
  } catch (error) {
    if (error instanceof MlopsError) return { name: file.name, error };
    throw error;
  }
}

type Index<T> = LoadDirectoryOptions<T>['index'];

/** No file name holds a `/`. */
const SEPARATOR = '/';

function encodeKnown<T>(index: Index<T>, { names, fingerprints, values }: Known<T>): Uint8Array {
  const texts = [names, fingerprints].map((list) => Buffer.from(list.join(SEPARATOR)));
  return encodeIndexFile(versionOf(index), [...texts, ...index.codec.encode(values)]);
}

async function readIndex<T>(documents: DocumentStore, index: Index<T>): Promise<Known<T>> {
  const bytes = await documents.readCache(index.name);
  const sections = bytes === undefined ? undefined : decodeIndexFile(versionOf(index), bytes);
  if (sections === undefined) return NOTHING;
  try {
    const [names = [], fingerprints = []] = sections
      .slice(0, 2)
      .map((section) => textOf(section).split(SEPARATOR));
    const values = index.codec.decode(sections.slice(2));
    const agree = names.length === fingerprints.length && names.length === values.length;
    return agree ? { names, fingerprints, values } : NOTHING;
  } catch {
    // Rubbish is worth nothing and costs nothing.
    return NOTHING;
  }
}

function versionOf<T>({ version, codec }: Index<T>): string {
  return `${version} ${codec.version}`;
}

/** Any JSON values, as JSON. */
export function jsonCodec<T>(): IndexCodec<T> {
  return {
    version: 'json/1',
    encode: (values) => [Buffer.from(JSON.stringify(values))],
    decode: ([text]) => {
      const values: unknown = JSON.parse(textOf(text));
      if (!Array.isArray(values)) throw new TypeError('no list of values');
      return values as T[];
    },
  };
}
