import { MlopsError } from '../../errors.ts';
import type { JsonValue } from '../../lib/canonical-json.ts';
import type { DocumentFile, DocumentStore } from '../../storage/document-store.ts';

/** One file of a directory: its parsed value, or why it has none. */
export interface IndexedDocument<T> {
  name: string;
  value?: T;
  error?: MlopsError;
}

interface StoredIndex {
  version: string;
  entries: [name: string, fingerprint: string, value: unknown][];
}

export interface LoadDirectoryOptions<T> {
  directory: string;
  /** Name of the index below cache/index; change `version` whenever `parse` gives something else. */
  index: { name: string; version: string };
  parse(bytes: Uint8Array, name: string): T & JsonValue;
  /** Read and parse every file, whatever the index says; default false. For whoever is there to prove content. */
  fresh?: boolean | undefined;
}

/**
 * Reads all documents of a directory, leaning on a disposable index for those whose fingerprint (size, mtime, ctime, inode)
 * is unchanged. A clone can't bring a usable index along: ctime and inode are this machine's. Without the index the
 * answer is the same, later.
 */
export async function loadDirectory<T>(
  documents: DocumentStore,
  options: LoadDirectoryOptions<T>,
): Promise<IndexedDocument<T>[]> {
  // Started first: the store may look at many files on another core while the index is parsed on this one.
  const listing = documents.readDirectory(options.directory);
  listing.catch(() => undefined);
  const known = options.fresh === true ? [] : await readIndex(documents, options.index);
  const files = await listing;
  let misses = 0;
  let at = 0;
  const entries: StoredIndex['entries'] = [];
  const loaded = files.map((file): IndexedDocument<T> => {
    // Both lists are sorted by name, so one walk through both finds every match.
    while (nameOf(known[at]) < file.name) at += 1;
    const cached = known[at];
    if (nameOf(cached) === file.name && isEntry(cached) && cached[1] === file.fingerprint) {
      entries.push(cached);
      return { name: file.name, value: cached[2] as T };
    }
    const parsed = parseFile(file, options.parse);
    if (parsed.value !== undefined && file.fingerprint !== undefined) {
      misses += 1;
      entries.push([file.name, file.fingerprint, parsed.value]);
    }
    return parsed;
  });
  if (options.fresh !== true && (misses > WORTH_REWRITING || misses * 10 > files.length)) {
    const index: StoredIndex = { version: options.index.version, entries };
    await documents.writeCache(options.index.name, Buffer.from(JSON.stringify(index)));
  }
  return loaded;
}

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

async function readIndex(
  documents: DocumentStore,
  index: { name: string; version: string },
): Promise<readonly unknown[]> {
  const bytes = await documents.readCache(index.name);
  if (bytes === undefined) return [];
  try {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
    const stored = JSON.parse(text) as Partial<StoredIndex> | null;
    return stored?.version === index.version && Array.isArray(stored.entries) ? stored.entries : [];
  } catch {
    // A torn or foreign index is worth nothing and costs nothing.
    return [];
  }
}

/** The name of an entry; beyond the end, or of rubbish, one that sorts after every other. */
function nameOf(entry: unknown): string {
  return Array.isArray(entry) && typeof entry[0] === 'string' ? entry[0] : '\uffff';
}

function isEntry(entry: unknown): entry is StoredIndex['entries'][number] {
  return (
    Array.isArray(entry) && entry.length === 3 && typeof entry[0] === 'string' && typeof entry[1] === 'string'
  );
}
