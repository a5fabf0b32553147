import { UsageError } from '../../errors.ts';
import { printable } from '../../lib/terminal-text.ts';
import type { DocumentStore } from '../../storage/document-store.ts';
import { CONFIG_PATH, FORMAT_PATH, MLOPS_DIRECTORY, MODELS_DIRECTORY } from '../repository/layout.ts';
import { isModelName, parseReference } from './names.ts';

/** The files of one commit of another repository; see `FetchedCommit` of the Git layer. */
export interface CommitFiles {
  /** Paths are relative to the root of the commit; `mode` is six octal digits. */
  listTree(directory: string): Promise<readonly { path: string; mode: string; id: string }[]>;
  readBlobs(ids: readonly string[], visit: (id: string, bytes: Uint8Array) => void): Promise<void>;
}

const REGULAR: ReadonlySet<string> = new Set(['100644', '100755']);
const MODEL_FILE = /^(?:model\.json|(?:versions|stages|events)\/[^/]+\.json)$/;

/**
 * Copies what naming one version takes out of a commit: format and shared settings, and the documents of the model that the reference
 * names, or of all models when it is a digest. Of the other models only that they exist. What is no regular file is left out, as if it were not there.
 *
 * @throws UsageError `NOT_A_REPOSITORY` for a commit without `.mlops/format.json`, `REFERENCE_INVALID`; as `DocumentStore.create`
 */
export async function readForeignDocuments(
  files: CommitFiles,
  documents: DocumentStore,
  { reference, source }: { reference: string; source: string },
): Promise<void> {
  const parsed = parseReference(reference);
  const only = parsed.kind === 'model' ? parsed.model : undefined;
  const wanted = (await files.listTree(MLOPS_DIRECTORY))
    .filter(({ mode }) => REGULAR.has(mode))
    .map(({ path, id }) => ({ path: path.slice(MLOPS_DIRECTORY.length + 1), id }))
    .filter(({ path }) => isWanted(path, only));
  if (!wanted.some(({ path }) => path === FORMAT_PATH)) {
    throw new UsageError(
      'NOT_A_REPOSITORY',
      `${printable(source)} has no ${MLOPS_DIRECTORY}/${FORMAT_PATH} there`,
      {
        hint: 'is it the right repository and branch? name another with --rev',
      },
    );
  }
  const bytesOf = new Map<string, Uint8Array>();
  await files.readBlobs(
    wanted.map(({ id }) => id),
    (id, bytes) => bytesOf.set(id, bytes.slice()),
  );
  for (const { path, id } of wanted) {
    const bytes = bytesOf.get(id);
    if (bytes !== undefined) await documents.create(path, bytes);
  }
}

function isWanted(path: string, only: string | undefined): boolean {
  if (path === FORMAT_PATH || path === CONFIG_PATH) return true;
  const [top, model = '', ...rest] = path.split('/');
  if (top !== MODELS_DIRECTORY || !isModelName(model) || !MODEL_FILE.test(rest.join('/'))) return false;
  // The names of the others, for a name that was mistyped.
  return only === undefined || model === only || rest.join('/') === 'model.json';
}
