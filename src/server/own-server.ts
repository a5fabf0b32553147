import { openRunStore } from '../core/runs/index.ts';
import type { Repository } from '../core/repository/repository.ts';
import { startTrackingServer, type TrackingServer, type TrackingServerOptions } from './tracking-server.ts';

export interface OwnServerOptions extends Omit<TrackingServerOptions, 'tracking'> {
  repository: Repository;
  warn(message: string): void;
}

/** The server over a repository, with a store of its own. @throws as `startTrackingServer` */
export async function startOwnServer(options: OwnServerOptions): Promise<TrackingServer> {
  const { repository, warn, ...where } = options;
  const store = await openRunStore(repository, { takesOver: true });
  try {
    const server = await startTrackingServer({ ...where, tracking: { repository, store, warn } });
    return {
      url: server.url,
      close: async () => {
        await server.close();
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}
