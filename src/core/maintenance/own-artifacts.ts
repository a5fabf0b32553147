import { MlopsError } from '../../errors.ts';
import { parseEvent } from '../audit/event.ts';
import { parseRepositoryEvent } from '../audit/repository-event.ts';
import {
  eventsDirectory,
  MLOPS_DIRECTORY,
  MODELS_DIRECTORY,
  REPOSITORY_EVENTS_DIRECTORY,
} from '../repository/layout.ts';
import type { Repository } from '../repository/repository.ts';

/**
 * Digests of all artifacts that were ever made in this repository: whatever a `saved` or a `tracked` event says, in the work tree or in
 * any commit that a ref or the reflog leads to. A remote may be shared with other repositories, and what was not made here is
 * theirs to remove. What a record only names counts for nothing, nor does what was imported: those bytes come from elsewhere.
 *
 * An event that can't be trusted is passed over, so that less is removed.
 *
 * @throws whatever stands in the way of listing the history
 */
export async function ownArtifacts(repository: Repository): Promise<ReadonlySet<string>> {
  const own = new Set<string>();
  const add = (path: string, bytes: Uint8Array): void => {
    for (const digest of madeBy(path, bytes)) own.add(digest);
  };
  const { documents } = repository;
  const models = await documents.listDirectories(MODELS_DIRECTORY);
  for (const directory of [REPOSITORY_EVENTS_DIRECTORY, ...models.map((model) => eventsDirectory(model))]) {
    for (const file of await documents.readDirectory(directory)) {
      const path = `${directory}/${file.name}`;
      if (MADE.test(path)) add(path, file.read());
    }
  }
  const git = await repository.git();
  const places = new Map<string, string>();
  for (const { id, path } of await git.filesEver(MLOPS_DIRECTORY)) {
    const below = path.slice(MLOPS_DIRECTORY.length + 1);
    if (MADE.test(below)) places.set(id, below);
  }
  await git.readBlobs([...places.keys()], (id, bytes) => add(places.get(id) ?? '', bytes));
  return own;
}

const MADE = /^(?:models\/([^/]+)\/events\/([^/]+-saved-[^/]+)|events\/([^/]+-tracked-[^/]+))$/;

function madeBy(path: string, bytes: Uint8Array): string[] {
  const [, model, saved, tracked] = MADE.exec(path) ?? [];
  try {
    if (tracked !== undefined) return listOf(parseRepositoryEvent(bytes, tracked).digest);
    if (model === undefined || saved === undefined) return [];
    const { digest, evidence } = parseEvent(bytes, { model, name: saved });
    const profiles = evidence.filter(({ type }) => type === 'reference-profile');
    return [...listOf(digest), ...profiles.map((profile) => profile.digest)];
  } catch (error) {
    if (error instanceof MlopsError) return [];
    throw error;
  }
}

function listOf(digest: string | undefined): string[] {
  return digest === undefined ? [] : [digest];
}
