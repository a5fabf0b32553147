import { ConflictError } from '../../errors.ts';
import type { ArtifactStore } from '../../storage/artifact-store.ts';
import type { ManifestFile } from '../../storage/manifest.ts';
import { shown } from './limits.ts';
import type { ArtifactMount } from './run.ts';
import type { ArtifactEntry } from './run-store.ts';

/** One file as the mounts have it; the manifest of a file that was logged by itself is read when somebody needs it. */
export interface TreeFile {
  readonly path: string;
  readonly size: number;
  /** Artifact that holds it. */
  readonly digest: string;
  /** Undefined for a file artifact. */
  readonly file: ManifestFile | undefined;
}

/** What lies among artifacts, all mounts over one another. */
export class ArtifactTree {
  /** By path. */
  readonly files: ReadonlyMap<string, TreeFile>;

  private constructor(files: ReadonlyMap<string, TreeFile>) {
    this.files = files;
  }

  /** @throws IntegrityError for a directory whose manifest is not here */
  static async of(mounts: readonly ArtifactMount[], artifacts: ArtifactStore): Promise<ArtifactTree> {
    const files = new Map<string, TreeFile>();
    for (const { path, digest, kind, size } of mounts) {
      if (kind === 'file') {
        files.set(path, { path, size, digest, file: undefined });
        continue;
      }
      const manifest = await artifacts.manifest(digest);
      for (const file of manifest.files) {
        const place = joined(path, file.path);
        files.set(place, { path: place, size: file.size, digest, file });
      }
    }
    return new ArtifactTree(files);
  }

  /** What lies directly in a directory, sorted by path. */
  list(directory: string): ArtifactEntry[] {
    const found = new Map<string, ArtifactEntry>();
    for (const { path, size } of this.files.values()) {
      const rest = below(path, directory);
      if (rest === undefined || rest === '') continue;
      const slash = rest.indexOf('/');
      const place = joined(directory, slash === -1 ? rest : rest.slice(0, slash));
      const isDirectory = slash !== -1;
      found.set(place, { path: place, isDirectory, size: isDirectory ? undefined : size });
    }
    return [...found.values()].toSorted(byPath);
  }

  /** Files at and below a place, sorted by path. */
  below(place: string): TreeFile[] {
    return [...this.files.values()].filter(({ path }) => below(path, place) !== undefined).toSorted(byPath);
  }

  /** Those that are not. */
  without(place: string): TreeFile[] {
    return [...this.files.values()].filter(({ path }) => below(path, place) === undefined).toSorted(byPath);
  }

  /** @throws ConflictError `ARTIFACT_CONFLICT` when a file can't lie there */
  assertFree(path: string): void {
    if (!this.files.has(path) && this.list(path).length > 0)
      throw conflict(path, 'is a directory among the artifacts');
    for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
      const parent = path.slice(0, slash);
      if (this.files.has(parent)) throw conflict(parent, 'is a file among the artifacts');
    }
  }
}

/** What follows `directory` in a path; empty for the place itself, undefined for a path that is not there. */
function below(path: string, directory: string): string | undefined {
  if (directory === '') return path;
  if (path === directory) return '';
  return path.startsWith(`${directory}/`) ? path.slice(directory.length + 1) : undefined;
}

export function joined(directory: string, name: string): string {
  return directory === '' ? name : name === '' ? directory : `${directory}/${name}`;
}

function byPath(first: { path: string }, second: { path: string }): number {
  return first.path < second.path ? -1 : 1;
}

function conflict(path: string, what: string): ConflictError {
  return new ConflictError('ARTIFACT_CONFLICT', `${shown(path)} ${what}`, {
    hint: 'choose another path',
    retryable: false,
  });
}
