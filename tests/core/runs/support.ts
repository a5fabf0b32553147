import { join } from 'node:path';
import { openRunStore, type Run, type RunStore } from '../../../src/core/runs/index.ts';
import { memoryRepository, type MemoryRepository } from '../../support/memory-repository.ts';

export interface RunSpace {
  repository: MemoryRepository;
  store: RunStore;
  /** Another process: nothing remembered. */
  reopen(): Promise<RunStore>;
  /** Absolute path of a run's directory. */
  path(run: Pick<Run, 'id' | 'startedAt'>): string;
}

export async function runSpace(): Promise<RunSpace> {
  const repository = await memoryRepository();
  return {
    repository,
    store: await openRunStore(repository),
    reopen: () => openRunStore(repository),
    path: ({ id, startedAt }) =>
      join(repository.root, '.mlops/runs', new Date(startedAt).toISOString().slice(0, 7), id),
  };
}

export async function* bytesOf(...pieces: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) {
    await Promise.resolve();
    yield Buffer.from(piece);
  }
}

export async function textOf(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of bytes) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}
