/**
 * Opens one commit of another Git repository as if it were here: its documents in memory, its objects in a scratch directory. For
 * `context.ts` only.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readForeignDocuments } from '../core/registry/foreign-documents.ts';
import { openRepository, type RepositoryParts } from '../core/repository/open.ts';
import { loadConfig } from '../config/load.ts';
import { fetchCommit } from '../git/partial-fetch.ts';
import type { ForeignRepository, ForeignRequest } from './context.ts';
import { redactUrl } from '../lib/redact-url.ts';
import { createLocalArtifactStore } from '../storage/local/artifact-store.ts';
import { LocalRunFiles } from '../storage/local/run-files.ts';
import { createMemoryCommitLock } from '../storage/memory/commit-lock.ts';
import { createMemoryDocumentStore } from '../storage/memory/document-store.ts';

type OwnParts = Omit<
  RepositoryParts,
  'root' | 'documents' | 'workTree' | 'createLock' | 'artifacts' | 'runFiles' | 'loadConfig'
>;

/** @throws as `fetchCommit`, `readForeignDocuments` and `openRepository` */
export async function openForeign(
  { url, revision, reference }: ForeignRequest,
  { env, warn }: { env: Readonly<Record<string, string | undefined>>; warn: (message: string) => void },
  parts: OwnParts,
): Promise<ForeignRepository> {
  const scratch = await mkdtemp(join(tmpdir(), 'mlops-get-'));
  const close = (): Promise<void> =>
    rm(scratch, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined);
  try {
    const [git, root] = [join(scratch, 'git'), join(scratch, 'repository')];
    const mlopsDir = join(root, '.mlops');
    await mkdir(git);
    await mkdir(mlopsDir, { recursive: true });
    const fetched = await fetchCommit({ url, revision, scratch: git, env });
    const documents = createMemoryDocumentStore();
    await readForeignDocuments(fetched, documents, { reference, source: redactUrl(url) });
    const artifacts = createLocalArtifactStore({ mlopsDir, root, warn });
    const repository = await openRepository({
      ...parts,
      root,
      documents,
      loadConfig: (files) => loadConfig({ ...files, env }),
      workTree: createMemoryDocumentStore(),
      createLock: () => createMemoryCommitLock(),
      artifacts: () => Promise.resolve(artifacts),
      runFiles: () => Promise.resolve(new LocalRunFiles(mlopsDir)),
    });
    return { repository, commit: fetched.commit, close };
  } catch (error) {
    await close();
    throw error;
  }
}
