import * as z from 'zod';
import type { DocumentStore } from '../../storage/document-store.ts';
import { eventsDirectory, modelDirectory, stagesDirectory, versionsDirectory } from '../repository/layout.ts';

const CACHE_VERSION = 'overview/1';

/** What was written for a model, and the state of its files then. */
const Cached = z.lazy(() =>
  z.object({
    version: z.literal(CACHE_VERSION),
    fingerprints: z.string(),
    overview: z.object({
      model: z.string(),
      versions: z.number(),
      latest: z.string().nullable(),
      stages: z.record(z.string(), z.string()),
      updatedAt: z.string().nullable(),
    }),
  }),
);
type Overview = z.output<typeof Cached>['overview'];

/**
 * The names and fingerprints of all files of a model, so that equal text means that not one of them changed; see
 * `DocumentFile.fingerprint`. Undefined while a file is too young to tell.
 */
export async function fingerprintsOf(documents: DocumentStore, model: string): Promise<string | undefined> {
  const parts: string[] = [];
  for (const directory of [modelDirectory, versionsDirectory, eventsDirectory, stagesDirectory]) {
    for (const { name, fingerprint } of await documents.readDirectory(directory(model))) {
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
    const cached = Cached.safeParse(JSON.parse(text));
    return cached.success && cached.data.fingerprints === fingerprints ? cached.data.overview : undefined;
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
  const cached = { version: CACHE_VERSION, fingerprints, overview };
  await documents.writeCache(cacheName(overview.model), Buffer.from(JSON.stringify(cached)));
}

function cacheName(model: string): string {
  return `overview-${model}`;
}
