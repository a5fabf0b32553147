import type { Config } from '../../config/schema.ts';
import type { DocumentStore } from '../../storage/document-store.ts';
import { readFormat } from './format.ts';
import { CONFIG_PATH, LOCAL_CONFIG_PATH } from './layout.ts';
import type { Repository } from './repository.ts';

export interface RepositoryParts extends Omit<Repository, 'config' | 'lock' | 'unknownFeatures' | 'actor'> {
  /** Settings from the bytes of config.json and local.json, where they exist. */
  loadConfig(files: { config: Uint8Array | undefined; local: Uint8Array | undefined }): Config;
  createLock(config: Config): Repository['lock'];
  /** `MLOPS_ACTOR`; wins over Git's identity. */
  actorOverride: string | undefined;
  user: string;
}

/** Checks the format, reads the settings and puts a repository together. @throws as `readFormat` and `loadConfig` */
export async function openRepository(parts: RepositoryParts): Promise<Repository> {
  const { loadConfig, createLock, actorOverride, user, ...members } = parts;
  const { unknownFeatures } = await readFormat(parts.documents);
  const config = await readConfig(parts.documents, loadConfig);
  let actor: Promise<string> | undefined;
  return {
    ...members,
    config,
    unknownFeatures,
    lock: createLock(config),
    actor: () =>
      (actor ??= resolveActor(parts.git, {
        override: actorOverride?.trim() ?? '',
        fallback: `${user}@${parts.host}`,
      })),
  };
}

async function readConfig(
  documents: DocumentStore,
  loadConfig: RepositoryParts['loadConfig'],
): Promise<Config> {
  const [config, local] = await Promise.all([documents.read(CONFIG_PATH), documents.read(LOCAL_CONFIG_PATH)]);
  return loadConfig({ config, local });
}

async function resolveActor(
  git: RepositoryParts['git'],
  { override, fallback }: { override: string; fallback: string },
): Promise<string> {
  return override === '' ? ((await (await git()).identity()) ?? fallback) : override;
}
