import type { DocumentStore } from '../../storage/document-store.ts';
import { eventsDirectory, modelDirectory, stagesDirectory, versionsDirectory } from '../repository/layout.ts';

const CACHE_VERSION = 'overview/1';

interface Overview {
  model: string;
  versions: number;
  latest: string | null;
  stages: Record<string, string>;
  updatedAt: string | null;
}

/** What was written for a model, and the state of its files then. */
interface Cached {
  version: typeof CACHE_VERSION;
  fingerprints: string;
  overview: Overview;
}

/**
 * The names and fingerprints of all files of a model, so that equal text means that not one of them changed; see
 * `DocumentFile.fingerprint`. Undefined while a file is too young to tell.
 */
export async function fingerprintsOf(documents: DocumentStore, model: string): Promise<string | undefined> {
  // The events first, of which there are most: what else there is is looked at meanwhile.
  const directories = [eventsDirectory, versionsDirectory, stagesDirectory, modelDirectory];
  const listings = await Promise.all(
    directories.map((directory) => documents.readDirectory(directory(model))),
  );
  const parts: string[] = [];
  for (const files of listings) {
    for (const { name, fingerprint } of files) {
      if (fingerprint === undefined) return undefined;
      parts.push(name, fingerprint);
    }
    parts.push('');
  }
  return parts.join(' ');
}

/** The row of a model whose files are all as they were; a clone can't bring one along, as it can't know the fingerprints. */
export async function readOverview(
  documents: DocumentStore,
  model: string,
  fingerprints: string | undefined,
): Promise<Overview | undefined> {
  const bytes = fingerprints === undefined ? undefined : await documents.readCache(cacheName(model));
  if (bytes === undefined) return undefined;
  try {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
    const cached: unknown = JSON.parse(text);
    return isCached(cached) && cached.fingerprints === fingerprints ? cached.overview : undefined;
  } catch {
    // A torn file is worth nothing and costs nothing.
    return undefined;
  }
}

export async function writeOverview(
  documents: DocumentStore,
  overview: Overview,
  fingerprints: string,
): Promise<void> {
  const cached: Cached = { version: CACHE_VERSION, fingerprints, overview };
  await documents.writeCache(cacheName(overview.model), Buffer.from(JSON.stringify(cached)));
}

function cacheName(model: string): string {
  return `overview-${model}`;
}

// By hand, because a schema takes longer to build than all the rest of `list` does.
function isCached(value: unknown): value is Cached {
  return (
    isObject(value) &&
    value['version'] === CACHE_VERSION &&
    typeof value['fingerprints'] === 'string' &&
    isOverview(value['overview'])
  );
}

function isOverview(value: unknown): value is Overview {
  if (!isObject(value)) return false;
  const { model, versions, latest, stages, updatedAt } = value;
  return (
    typeof model === 'string' &&
    typeof versions === 'number' &&
    isTextOrNull(latest) &&
    isTextOrNull(updatedAt) &&
    isObject(stages) &&
    Object.values(stages).every((version) => typeof version === 'string')
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isTextOrNull(value: unknown): boolean {
  return value === null || typeof value === 'string';
}
