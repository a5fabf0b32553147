import type { Config, RemoteConfig, TransferConfig } from '../../config/schema.ts';
import type { DocumentStore } from '../../storage/document-store.ts';
import { readFormat } from './format.ts';
import { CONFIG_PATH, LOCAL_CONFIG_PATH } from './layout.ts';
import type { OpenRemote, Repository } from './repository.ts';

export interface RepositoryParts extends Omit<
  Repository,
  'config' | 'lock' | 'unknownFeatures' | 'actor' | 'remote'
> {
  /** Settings from the bytes of config.json and local.json, where they exist. */
  loadConfig(files: { config: Uint8Array | undefined; local: Uint8Array | undefined }): Config;
  createLock(config: Config): Repository['lock'];
  /** Connects to nothing yet. @throws UsageError `REMOTE_URL_INVALID`; RefusedError `REMOTE_ADDRESS_REFUSED` */
  createRemote(
    remote: RemoteConfig,
    options: { trusted: boolean; transfer: TransferConfig },
  ): Promise<OpenRemote['objects']>;
  /** `MLOPS_ACTOR`; wins over Git's identity. */
  actorOverride: string | undefined;
  user: string;
  /** Asks the person; undefined when nobody can be asked. */
  confirm(question: string): Promise<boolean | undefined>;
}

/** Checks the format, reads the settings and puts a repository together. @throws as `readFormat` and `loadConfig` */
export async function openRepository(parts: RepositoryParts): Promise<Repository> {
  const { loadConfig, createLock, createRemote, actorOverride, user, confirm, ...members } = parts;
  const { unknownFeatures } = await readFormat(parts.documents);
  const config = await readConfig(parts.documents, loadConfig);
  let actor: Promise<string> | undefined;
  const remotes = new Map<string, Promise<OpenRemote>>();
  const repository: Repository = {
    ...members,
    config,
    unknownFeatures,
    lock: createLock(config),
    remote: async (name) => {
      const { chooseRemote, choosesCredentials } = await import('./choose-remote.ts');
      const chosen = chooseRemote(config, name);
      const known = remotes.get(chosen.name);
      if (known !== undefined) return known;
      const opened = createRemote(chosen.settings, {
        trusted: chosen.shown.trusted,
        transfer: config.transfer,
      }).then(async (objects) => {
        const { shown } = chosen;
        if (shown.trusted || !choosesCredentials(chosen.settings))
          return { ...shown, objects, allow: () => undefined };
        const [{ AskFirstObjectStore }, { assertMayRead }] = await Promise.all([
          import('../transfer/ask-first.ts'),
          import('../transfer/trust.ts'),
        ]);
        const asking = new AskFirstObjectStore(objects, () => assertMayRead(repository, shown, confirm));
        return { ...shown, objects: asking, allow: () => asking.allow() };
      });
      remotes.set(chosen.name, opened);
      return opened;
    },
    actor: () =>
      (actor ??= resolveActor(parts.git, {
        override: actorOverride?.trim() ?? '',
        fallback: `${user}@${parts.host}`,
      })),
  };
  return repository;
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
