import { UsageError } from '../../errors.ts';
import { assertSafeRelativePath } from '../../lib/safe-path.ts';
import type { ArtifactStore, StoredArtifact } from '../../storage/artifact-store.ts';
import type { ManifestFile } from '../../storage/manifest.ts';
import type { Repository } from '../repository/repository.ts';
import { ArtifactTree, joined, type TreeFile } from './artifact-tree.ts';
import { assertCount, shown } from './limits.ts';
import type { LogLine } from './log-lines.ts';
import type { ReferenceQueue } from './reference-queue.ts';
import type { ArtifactMount } from './run.ts';
import type { ArtifactEntry, Artifacts, ComposedArtifact, OpenArtifact } from './run-store.ts';

/** Whose artifacts they are. */
export interface ArtifactOwner {
  /** As they are now, after what other processes wrote. @throws UsageError when the owner is not there */
  mounts(): readonly ArtifactMount[];
  /** Appends to the owner's log. @throws UsageError when nothing may be logged to it */
  append(line: LogLine): void;
}

/** More than this many pieces are put together as one, so that a list stays quick and a document short. */
const MOST_MOUNTS = 256;
/** Trees are kept as long as the list of mounts that they were made from. */
const trees = new WeakMap<readonly ArtifactMount[], Promise<ArtifactTree>>();

export class OwnedArtifacts implements Artifacts {
  readonly #repository: Repository;
  readonly #owner: ArtifactOwner;
  readonly #references: ReferenceQueue;

  constructor(repository: Repository, owner: ArtifactOwner, references: ReferenceQueue) {
    this.#repository = repository;
    this.#owner = owner;
    this.#references = references;
  }

  async list(directory = ''): Promise<readonly ArtifactEntry[]> {
    if (directory !== '') assertSafeRelativePath(directory);
    return (await this.#tree()).list(directory);
  }

  async files(directory = ''): Promise<readonly (ArtifactEntry & { readonly sha256: string })[]> {
    if (directory !== '') assertSafeRelativePath(directory);
    const found: (ArtifactEntry & { sha256: string })[] = [];
    for (const each of (await this.#tree()).below(directory)) {
      const { sha256 } = await this.#manifestFile(each);
      found.push({ path: each.path, isDirectory: false, size: each.size, sha256 });
    }
    return found;
  }

  async put(
    path: string,
    bytes: AsyncIterable<Uint8Array>,
    options: { signal?: AbortSignal } = {},
  ): Promise<ArtifactEntry> {
    assertSafeRelativePath(path);
    // Said before gigabytes are taken in, and checked again when they are there.
    (await this.#tree()).assertFree(path);
    const stored = await (await this.#repository.artifacts()).storeStream(bytes, options);
    await this.#mount(path, stored);
    return { path, isDirectory: false, size: stored.size };
  }

  async putFrom(
    path: string,
    source: string,
    options: { signal?: AbortSignal } = {},
  ): Promise<ComposedArtifact> {
    if (path !== '') assertSafeRelativePath(path);
    const stored = await (await this.#repository.artifacts()).store(source, options);
    if (stored.manifest.kind === 'file' && path === '')
      throw new UsageError('ARTIFACT_NOT_FOUND', 'a file among the artifacts needs a name');
    await this.#mount(path, stored);
    return composed(stored, stored.manifest.kind);
  }

  async open(path: string): Promise<OpenArtifact> {
    const file = await this.#find(path);
    const artifacts = await this.#repository.artifacts();
    return {
      size: file.size,
      sha256: file.sha256,
      read: (options) => artifacts.readFile(file, options),
    };
  }

  async remove(path: string): Promise<void> {
    if (path !== '') assertSafeRelativePath(path);
    await this.#references.add({
      write: async () => {
        const tree = await this.#tree();
        if (tree.below(path).length === 0) throw notFound(path);
        await this.#replace(tree.without(path));
      },
    });
  }

  async compose(path = ''): Promise<ComposedArtifact> {
    if (path !== '') assertSafeRelativePath(path);
    const artifacts = await this.#repository.artifacts();
    const found = (await this.#tree()).below(path);
    const [first] = found;
    if (first === undefined) throw notFound(path);
    const isFile = first.path === path && path !== '';
    const files: ManifestFile[] = [];
    for (const each of found) {
      const file = await this.#manifestFile(each);
      files.push({ ...file, path: isFile ? '' : each.path.slice(path === '' ? 0 : path.length + 1) });
    }
    const stored = await artifacts.compose(files);
    return composed(stored, isFile ? 'file' : 'directory');
  }

  #tree(): Promise<ArtifactTree> {
    const mounts = this.#owner.mounts();
    const known = trees.get(mounts);
    if (known !== undefined) return known;
    const made = this.#repository.artifacts().then((artifacts) => ArtifactTree.of(mounts, artifacts));
    trees.set(mounts, made);
    // What could not be read now may be there the next time.
    made.catch(() => trees.delete(mounts));
    return made;
  }

  async #mount(path: string, stored: StoredArtifact): Promise<void> {
    await this.#references.add({
      artifact: stored,
      write: async () => {
        const tree = await this.#tree();
        const { digest, size, files, manifest } = stored;
        const { kind } = manifest;
        for (const file of kind === 'file' ? [''] : manifest.files.map((each) => each.path))
          tree.assertFree(joined(path, file));
        const mounts = this.#owner.mounts();
        assertCount('artifacts', mounts.length + 1);
        this.#owner.append({ type: 'artifact', time: this.#now(), path, digest, kind, size, files });
        if (mounts.length >= MOST_MOUNTS) await this.#replace((await this.#tree()).below(''));
      },
    });
  }

  /** Under the lock: these files are all that there is from now on. */
  async #replace(files: readonly TreeFile[]): Promise<void> {
    if (files.length === 0) {
      this.#owner.append({ type: 'artifacts-cleared', time: this.#now() });
      return;
    }
    const artifacts = await this.#repository.artifacts();
    const listed: ManifestFile[] = [];
    for (const each of files) listed.push({ ...(await this.#manifestFile(each)), path: each.path });
    const { digest, size, files: count } = await artifacts.compose(listed);
    const what = { path: '', digest, kind: 'directory', size, files: count } as const;
    this.#owner.append({ type: 'artifact', time: this.#now(), ...what, replaces: true });
  }

  async #find(path: string): Promise<ManifestFile> {
    assertSafeRelativePath(path);
    const found = (await this.#tree()).files.get(path);
    if (found === undefined) throw notFound(path);
    return this.#manifestFile(found);
  }

  async #manifestFile({ digest, file, path }: TreeFile): Promise<ManifestFile> {
    return file ?? onlyFile(await this.#repository.artifacts(), digest, path);
  }

  #now(): number {
    return this.#repository.now().getTime();
  }
}

async function onlyFile(artifacts: ArtifactStore, digest: string, path: string): Promise<ManifestFile> {
  const [file] = (await artifacts.manifest(digest)).files;
  if (file === undefined) throw notFound(path);
  return file;
}

function composed(stored: StoredArtifact, kind: 'file' | 'directory'): ComposedArtifact {
  const { digest, manifest, size, files, blobs } = stored;
  return { digest, manifest, size, files, blobs, kind, isStillThere: () => stored.isStillThere() };
}

function notFound(path: string): UsageError {
  const what = path === '' ? 'there are no artifacts' : `there is no artifact "${shown(path)}"`;
  return new UsageError('ARTIFACT_NOT_FOUND', what, { hint: 'see them: mlops runs show <run>' });
}
