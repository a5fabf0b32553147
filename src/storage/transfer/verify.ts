import { MlopsError } from '../../errors.ts';
import { PackHasher } from '../artifact/pack-hasher.ts';
import { distinctBlobs } from '../artifact/parts.ts';
import type { StorageDamage } from '../artifact-store.ts';
import type { VerifiedRemote, VerifyRemoteOptions } from '../artifact-transfer.ts';
import { digestOf, hexOf } from '../digest.ts';
import { inParallel } from '../in-parallel.ts';
import { MemoryIndexFiles } from '../index-files.ts';
import { decodeManifest } from '../manifest.ts';
import { objectPath } from '../object-errors.ts';
import type { ObjectKey, ObjectStore } from '../object-store.ts';
import type { PackEntry } from '../pack.ts';
import { DEFAULT_JOBS, TransferGate } from './gate.ts';
import { findArtifacts, type RemoteArtifact } from './remote-artifacts.ts';
import { RemoteView } from './remote-view.ts';

interface ExpectedPack {
  size: number;
  /** What layouts say lies in it, by blob. */
  blobs: Map<string, PackEntry>;
}

/** See `ArtifactTransfer.verify`. */
export function verifyRemote(
  place: { remote: ObjectStore },
  digests: readonly string[],
  options: VerifyRemoteOptions,
): Promise<VerifiedRemote> {
  return new RemoteVerification(place, options).run([...new Set(digests.map(hexOf))]);
}

class RemoteVerification {
  readonly #remote: ObjectStore;
  readonly #options: VerifyRemoteOptions;
  readonly #gate: TransferGate;
  readonly #view: RemoteView;
  readonly #checked = { manifests: 0, packs: 0, blobs: 0, bytes: 0 };
  readonly #damage: StorageDamage[] = [];

  constructor({ remote }: { remote: ObjectStore }, options: VerifyRemoteOptions) {
    this.#remote = remote;
    this.#options = options;
    this.#gate = new TransferGate(options, remote);
    // Nothing that this machine remembers: what is read has to come from the remote, layouts too.
    this.#view = new RemoteView({ remote, files: new MemoryIndexFiles(), gate: this.#gate });
  }

  async run(manifests: readonly string[]): Promise<VerifiedRemote> {
    const found = await findArtifacts(this.#view, manifests);
    const packs = new Map<string, ExpectedPack>();
    for (const artifact of found.values()) await this.#verifyArtifact(artifact, packs);
    const chosen = [...packs].filter(([name]) => this.#options.sample?.(name) ?? true);
    const totalBytes = chosen.reduce((sum, [, { size }]) => sum + size, 0);
    const hasher = new PackHasher(totalBytes);
    let bytes = 0;
    try {
      await inParallel(chosen, this.#options.jobs ?? DEFAULT_JOBS, async ([name, pack]) => {
        await this.#gate.run(pack.size, () => this.#verifyPack(name, pack, hasher));
        bytes += pack.size;
        this.#options.onProgress?.({ bytes, totalBytes });
      });
    } finally {
      await hasher.close();
    }
    return { checked: this.#checked, damage: this.#damage };
  }

  async #verifyArtifact(artifact: RemoteArtifact, packs: Map<string, ExpectedPack>): Promise<void> {
    const { manifest, layouts, damaged } = artifact;
    for (const { key, problem } of damaged) this.#report('layout', key, problem);
    if (layouts.length === 0) {
      if (damaged.length === 0)
        this.#report('layout', { kind: 'layouts', name: manifest }, 'not (all) pushed');
      return;
    }
    for (const { missing, resized } of layouts) {
      for (const { name } of missing) this.#report('pack', { kind: 'packs', name }, 'missing on the remote');
      for (const { name, size } of resized)
        this.#report('pack', { kind: 'packs', name }, `it has not its ${size} bytes`);
    }
    const ids = await this.#readManifest(manifest);
    if (ids === undefined) return;
    for (const known of layouts) {
      const lacking = new Set([...known.missing, ...known.resized].map(({ name }) => name));
      const layout = await this.#view.layout(known.name);
      if (layout.count !== ids.length) {
        const key = { kind: 'layouts', name: known.name } as const;
        this.#report('layout', key, `it places ${layout.count} blobs of ${ids.length}`);
        continue;
      }
      for (const [index, id] of ids.entries()) {
        const { pack: name, packSize: size, ...entry } = layout.locate(index, id);
        if (lacking.has(name)) continue;
        const pack = packs.get(name) ?? { size, blobs: new Map<string, PackEntry>() };
        pack.blobs.set(id, entry);
        packs.set(name, pack);
      }
    }
  }

  /** Ids of its distinct blobs; undefined when it is damaged, which is then reported. */
  async #readManifest(name: string): Promise<string[] | undefined> {
    const key: ObjectKey = { kind: 'manifests', name };
    try {
      const bytes = await this.#gate.run(0, () => this.#remote.get(key));
      this.#checked.manifests += 1;
      this.#checked.bytes += bytes.length;
      return [...distinctBlobs(decodeManifest(bytes, `manifest ${digestOf(name)}`))];
    } catch (error) {
      if (!(error instanceof MlopsError) || error.retryable || error.exitCode === 7) throw error;
      this.#report('manifest', key, error.message);
      return undefined;
    }
  }

  async #verifyPack(name: string, pack: ExpectedPack, hasher: PackHasher): Promise<void> {
    const key: ObjectKey = { kind: 'packs', name };
    const entries = this.#entriesApart(key, pack);
    try {
      const bytes = await this.#remote.get(key, { offset: 0, length: pack.size });
      const hashed = await hasher.hash(bytes, entries);
      this.#checked.packs += 1;
      this.#checked.blobs += entries.length;
      this.#checked.bytes += pack.size;
      if (hashed.name !== name) this.#report('pack', key, 'its bytes do not hash to its name');
      for (const { id, problem } of hashed.blobs)
        if (problem !== undefined) this.#report('blob', key, `blob ${id}: ${problem}`, id);
    } catch (error) {
      if (!(error instanceof MlopsError) || error.retryable || error.exitCode === 7) throw error;
      this.#report('pack', key, error.message);
    }
  }

  /** In order of their places; layouts of strangers may contradict each other. */
  #entriesApart(key: ObjectKey, { blobs }: ExpectedPack): PackEntry[] {
    let free = 0;
    return [...blobs.values()]
      .toSorted((first, second) => first.offset - second.offset)
      .filter(({ id, offset, storedLength }) => {
        const isApart = offset >= free;
        if (isApart) free = offset + storedLength;
        else this.#report('blob', key, `a layout places blob ${id} over another one`, id);
        return isApart;
      });
  }

  #report(kind: StorageDamage['kind'], key: ObjectKey, problem: string, id = key.name.slice(0, 64)): void {
    const path = objectPath(key);
    const digest = digestOf(id);
    if (
      this.#damage.some(
        (known) => known.path === path && known.problem === problem && known.digest === digest,
      )
    )
      return;
    this.#damage.push({ kind, path, digest, problem });
  }
}
