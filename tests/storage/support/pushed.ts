import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { MemoryObjectStore } from '../../../src/storage/memory/object-store.ts';
import type { ArtifactTransfer, Transferred } from '../../../src/storage/artifact-transfer.ts';
import { noise, writeTree } from './scratch.ts';
import { clone, type Clone } from './transfer-fixtures.ts';

export const MIB = 1024 * 1024;

export interface PushedTree {
  digest: string;
  remote: MemoryObjectStore;
  from: Clone;
  /** What pushed it, and what it said. */
  transfer: ArtifactTransfer;
  report: Transferred;
}

export async function storeTree(
  from: Clone,
  files: Record<string, string | Uint8Array>,
  name = 'model',
): Promise<string> {
  rmSync(join(from.root, name), { recursive: true, force: true });
  writeTree(join(from.root, name), files);
  return (await from.store.store(name)).digest;
}

/** A remote that holds an artifact of these files. */
export async function pushTree(
  files: Record<string, string | Uint8Array>,
  from: Clone = clone(),
  remote = new MemoryObjectStore(),
): Promise<PushedTree> {
  const digest = await storeTree(from, files);
  const transfer = from.store.transfer(remote);
  const report = await transfer.push([digest]);
  return { digest, remote, from, transfer, report };
}

/** A small artifact, pushed from a clone that has its blobs in a large pack with others. */
export async function pushPart(): Promise<PushedTree> {
  const from = clone();
  await storeTree(from, { 'a.bin': noise(8 * MIB, 1), 'b.bin': noise(100_000, 2) }, 'both');
  return pushTree({ 'b.bin': noise(100_000, 2) }, from);
}

/** A clone with nothing in it gets the artifact from the remote and restores it. */
export async function restored(remote: MemoryObjectStore, digest: string, path: string): Promise<Buffer> {
  const other = clone();
  await other.store.transfer(remote).fetch([digest]);
  await other.store.restore(digest, 'out');
  return readFileSync(join(other.root, 'out', path));
}
