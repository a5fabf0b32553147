import { assertSafeRelativePath } from '../../lib/safe-path.ts';
import { loadModel } from '../registry/index.ts';
import type { ArtifactEntry, Artifacts } from '../runs/index.ts';
import type { Repository } from '../repository/repository.ts';
import { notFound } from './errors.ts';

export type ReadableArtifacts = Pick<Artifacts, 'list' | 'open'>;

/** Files of a registered version; undefined for a path that is about none. @throws MlflowError `RESOURCE_DOES_NOT_EXIST` */
export async function versionPlace(
  repository: Repository,
  path: string,
): Promise<{ artifacts: ReadableArtifacts; path: string } | undefined> {
  const [, model, label, below] = /^registry\/([\w.-]+)\/([\w.-]+)(?:\/(.+))?$/s.exec(path) ?? [];
  if (model === undefined || label === undefined) return undefined;
  const { versions } = await loadModel(repository, model);
  const found = versions.find(({ record, deleted }) => record.version === label && deleted === undefined);
  if (found === undefined) throw notFound(`there is no version ${label} of ${model}`);
  const artifacts = await repository.artifacts();
  const manifest = await artifacts.manifest(found.record.digest);
  const name = found.record.path.slice(found.record.path.lastIndexOf('/') + 1);
  const files = manifest.files.map((file) => ({ file, path: file.path === '' ? name : file.path }));
  return {
    path: below ?? '',
    artifacts: {
      list: (directory = '') => Promise.resolve(childrenOf(files, directory)),
      open: (wanted) => {
        assertSafeRelativePath(wanted);
        const each = files.find((file) => file.path === wanted);
        if (each === undefined) throw notFound('there is no such file in that version');
        const { size, sha256 } = each.file;
        return Promise.resolve({
          size,
          sha256,
          read: (options) => artifacts.readFile(each.file, options),
        });
      },
    },
  };
}

function childrenOf(
  files: readonly { path: string; file: { size: number } }[],
  directory: string,
): ArtifactEntry[] {
  const prefix = directory === '' ? '' : `${directory}/`;
  const entries = new Map<string, ArtifactEntry>();
  for (const { path, file } of files) {
    if (!path.startsWith(prefix)) continue;
    const slash = path.indexOf('/', prefix.length);
    const isDirectory = slash !== -1;
    const child = isDirectory ? path.slice(0, slash) : path;
    entries.set(child, { path: child, isDirectory, size: isDirectory ? undefined : file.size });
  }
  return [...entries.values()];
}
