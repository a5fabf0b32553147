import * as z from 'zod';
import { artifactUri, type OpenArtifact, type RunStore } from '../runs/index.ts';
import { artifactPlace, assertHarmless } from './artifact-place.ts';
import { endpoint, type Endpoint, type Reply, type Tracking } from './endpoint.ts';
import { invalid } from './errors.ts';
import { optionalText, runId, runIdOf } from './fields.ts';
import { versionPlace, type ReadableArtifacts } from './version-files.ts';

export const ARTIFACT_ENDPOINTS: readonly Endpoint[] = [
  endpoint(
    ['GET', 'artifacts/list'],
    z.object({ ...runId, path: optionalText }),
    async ({ store }, input) => {
      const { path = '', ...run } = input;
      if (path !== '') assertHarmless(path);
      const { id, experimentId } = await store.get(runIdOf(run));
      const entries = await store.artifacts(id).list(path);
      return {
        root_uri: artifactUri(id, experimentId),
        files: entries.map((entry) => ({
          path: entry.path,
          is_dir: entry.isDirectory,
          file_size: entry.size,
        })),
      };
    },
  ),
];

/** What lies in a directory, by base names, as the artifact service has it. @param path `<experiment>/<run>/artifacts...` */
export async function listArtifacts(tracking: Tracking, path: string): Promise<Reply> {
  const { artifacts, path: directory } = await readablePlace(tracking, path);
  const entries = await artifacts.list(directory);
  return {
    files: entries.map((entry) => ({
      path: entry.path.slice(entry.path.lastIndexOf('/') + 1),
      is_dir: entry.isDirectory,
      file_size: entry.size,
    })),
  };
}

/** Stores a file while it arrives. Nothing is logged unless `bytes` end well. */
export async function putArtifact(
  store: RunStore,
  path: string,
  bytes: AsyncIterable<Uint8Array>,
): Promise<Reply> {
  const { artifacts, path: place } = await artifactPlace(store, path);
  if (place === '' || path.endsWith('/')) throw invalid('Invalid path: it names no file');
  await artifacts.put(place, bytes);
  return {};
}

export async function openArtifact(
  tracking: Tracking,
  path: string,
): Promise<OpenArtifact & { readonly name: string }> {
  const { artifacts, path: place } = await readablePlace(tracking, path);
  if (place === '') throw invalid('Invalid path: it names no file');
  const opened = await artifacts.open(place);
  return {
    size: opened.size,
    sha256: opened.sha256,
    read: (options) => opened.read(options),
    name: place.slice(place.lastIndexOf('/') + 1),
  };
}

export async function deleteArtifact(store: RunStore, path: string): Promise<Reply> {
  const { artifacts, path: place } = await artifactPlace(store, path);
  await artifacts.remove(place);
  return {};
}

async function readablePlace(
  { repository, store }: Tracking,
  path: string,
): Promise<{ artifacts: ReadableArtifacts; path: string }> {
  assertHarmless(path.replace(/\/$/, ''));
  return (await versionPlace(repository, path)) ?? artifactPlace(store, path);
}
