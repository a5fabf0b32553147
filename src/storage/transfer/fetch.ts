import { IntegrityError, MlopsError, RefusedError } from '../../errors.ts';
import { PackHasher } from '../artifact/pack-hasher.ts';
import { distinctBlobs, loadIndex, readManifest, type ArtifactParts } from '../artifact/parts.ts';
import { freeBytes } from '../artifact/store-artifact.ts';
import { assertNotAborted } from '../artifact/walk.ts';
import type { FetchOptions, Transferred } from '../artifact-transfer.ts';
import type { BlobIndex } from '../blob-index.ts';
import { digestOf, hexOf } from '../digest.ts';
import { inParallel } from '../in-parallel.ts';
import { decodeManifest, type Manifest } from '../manifest.ts';
import { objectPath } from '../object-errors.ts';
import type { ObjectKey, ObjectStore } from '../object-store.ts';
import { FetchedBlobs } from './blob-sink.ts';
import { download, type Downloaded } from './download.ts';
import { planStretches, type Stretch } from './fetch-plan.ts';
import { TransferGate } from './gate.ts';
import { LearntLayouts } from './learnt-layouts.ts';
import { filesNeeding, Problems, type TransferProblem } from './problems.ts';
import { putObject } from './put-object.ts';
import { quarantineDamaged } from './quarantine-damaged.ts';
import { RemoteBlobs } from './remote-blobs.ts';
import { RemoteView } from './remote-view.ts';
import { Tally } from './tally.ts';

/** Manifests that are read at once, and bytes of them that are kept until their packs are here. */
const MANIFESTS_AT_ONCE = 4;
const KEPT_MANIFESTS = 32 * 1024 * 1024;
/** Bytes that came altered are asked for once more, as the network may have done it. */
const ATTEMPTS = 2;

interface Wanted {
  hex: string;
  /** Bytes of its manifest; undefined when that is here already. */
  manifestSize: number | undefined;
  /** Of the manifest, unless there was no room to keep them. */
  bytes: Uint8Array | undefined;
  /** Blobs that were not here. */
  missing: readonly string[];
}

/** See `ArtifactTransfer.fetch`. */
export function fetch(
  place: { parts: ArtifactParts; remote: ObjectStore },
  digests: readonly string[],
  options: FetchOptions,
): Promise<Transferred> {
  return new Fetch(place, options).run([...new Set(digests.map(hexOf))]);
}

class Fetch {
  readonly #parts: ArtifactParts;
  readonly #remote: ObjectStore;
  readonly #options: FetchOptions;
  readonly #gate: TransferGate;
  readonly #view: RemoteView;
  readonly #tally: Tally;
  readonly #problems: Problems;
  readonly #blobs = new RemoteBlobs();
  readonly #layouts: LearntLayouts;
  /** What is wrong with packs, by name, and with blobs, by pack and id. */
  readonly #bad = new Map<string, TransferProblem>();
  #keptManifests = 0;

  constructor({ parts, remote }: { parts: ArtifactParts; remote: ObjectStore }, options: FetchOptions) {
    this.#parts = parts;
    this.#remote = remote;
    this.#options = options;
    this.#gate = new TransferGate(options, remote);
    this.#view = new RemoteView({ remote, gate: this.#gate, files: parts.files });
    this.#layouts = new LearntLayouts(this.#view, this.#blobs);
    this.#tally = new Tally(options);
    this.#problems = new Problems(options.nameOf);
  }

  async run(digests: readonly string[]): Promise<Transferred> {
    if (this.#options.repair === undefined) {
      await this.#bringAll(digests);
    } else {
      await quarantineDamaged(this.#parts, digests.map(digestOf), this.#options);
      const unknown: string[] = [];
      for (const hex of digests) if ((await this.#localManifest(hex)) === undefined) unknown.push(hex);
      await this.#bringAll(digests);
      // Only now is it known what these need, so only now can it be looked at.
      await quarantineDamaged(this.#parts, unknown.map(digestOf), { ...this.#options, repair: 'artifacts' });
      await this.#bringAll(unknown);
    }
    const again = 'push it again from where it was saved (`mlops push --repair`); the others are here now';
    this.#problems.throwIfAny('not (all) fetched:', {
      OBJECT_MISSING: again,
      OBJECT_DAMAGED: again,
      REMOTE_OBJECT_MISSING: 'push it from where it was saved: mlops push; the others are here now',
      REMOTE_OBJECT_DAMAGED: again,
    });
    return this.#tally.result;
  }

  async #bringAll(digests: readonly string[]): Promise<void> {
    const index = await loadIndex(this.#parts);
    const open: string[] = [];
    for (const hex of digests) if (!(await this.#isHere(hex, index))) open.push(hex);
    if (open.length > 0) await this.#bring(open, index);
  }

  /** True when nothing has to be asked for. */
  async #isHere(hex: string, index: BlobIndex): Promise<boolean> {
    const manifest = await this.#localManifest(hex);
    if (manifest === undefined) return false;
    const packs = new Map<string, number>();
    for (const id of this.#idsOf(manifest)) {
      const location = index.find(id);
      if (location === undefined) return false;
      packs.set(location.pack, index.packs.get(location.pack) ?? 0);
    }
    for (const [name, size] of packs) this.#tally.present({ kind: 'packs', name }, size);
    const size = (await this.#parts.objects.stat({ kind: 'manifests', name: hex }))?.size ?? 0;
    this.#tally.present({ kind: 'manifests', name: hex }, size);
    return true;
  }

  /** Undefined when it is not here, or not intact. */
  async #localManifest(hex: string): Promise<Manifest | undefined> {
    try {
      return (await readManifest(this.#parts.objects, digestOf(hex))).manifest;
    } catch (error) {
      if (error instanceof IntegrityError) return undefined;
      throw error;
    }
  }

  /** Distinct blobs of the files that are wanted. */
  #idsOf(manifest: Manifest): Set<string> {
    const { include } = this.#options;
    if (include === undefined) return distinctBlobs(manifest);
    const files = manifest.files.filter(({ path }) => include(path));
    return distinctBlobs({ ...manifest, files });
  }

  async #bring(open: readonly string[], index: BlobIndex): Promise<void> {
    const names = await this.#view.layoutNames(open);
    const wanted: Wanted[] = [];
    await inParallel(open, MANIFESTS_AT_ONCE, async (hex) => {
      try {
        wanted.push(await this.#prepare(hex, names.get(hex) ?? [], index));
      } catch (error) {
        if (error instanceof RefusedError) throw this.#problems.named(digestOf(hex), error);
        this.#fail(hex, problemOf(error));
      }
    });
    const left = new Set(wanted.flatMap(({ missing }) => missing));
    const plan = this.#plan(left);
    await this.#assertSpace(plan, wanted);
    for (const { manifestSize } of wanted) this.#tally.plan(manifestSize ?? 0);
    if (this.#options.dryRun === true) return this.#count(plan, wanted, left);
    await this.#download(plan, left, index);
    if (await this.#lookAgain(wanted, left)) await this.#download(this.#plan(left), left, index);
    await this.#finish(wanted, left);
  }

  /** Learns what an artifact needs and where that lies. Writes nothing. */
  async #prepare(hex: string, layoutNames: readonly string[], index: BlobIndex): Promise<Wanted> {
    let manifest = await this.#localManifest(hex);
    let bytes: Uint8Array | undefined;
    if (manifest === undefined) {
      bytes = await this.#remoteManifest(hex, layoutNames.length > 0);
      manifest = decodeManifest(bytes, `manifest ${digestOf(hex)}`);
    }
    const manifestSize = bytes?.length;
    const missing = [...this.#idsOf(manifest)].filter((id) => index.find(id) === undefined);
    if (missing.length > 0) await this.#layouts.learn(hex, manifest, layoutNames);
    if (bytes !== undefined) {
      this.#keptManifests += bytes.length;
      if (this.#keptManifests > KEPT_MANIFESTS) bytes = undefined;
    }
    return { hex, manifestSize, bytes, missing };
  }

  async #remoteManifest(hex: string, isPushed: boolean): Promise<Uint8Array> {
    const key: ObjectKey = { kind: 'manifests', name: hex };
    try {
      return await this.#gate.run(0, () => this.#remote.get(key));
    } catch (error) {
      if (!(error instanceof IntegrityError)) throw error;
      if (error.code === 'OBJECT_MISSING') {
        const what = isPushed ? `${objectPath(key)} is missing on the remote` : 'the remote does not have it';
        throw new IntegrityError('REMOTE_OBJECT_MISSING', what, { cause: error });
      }
      const size = (await this.#remote.stat(key))?.size ?? 0;
      await this.#keep(key, error.message, () => this.#remote.get(key, { offset: 0, length: size }));
      throw new IntegrityError('REMOTE_OBJECT_DAMAGED', `on the remote ${error.message}`, { cause: error });
    }
  }

  #plan(left: ReadonlySet<string>): Stretch[] {
    return planStretches(
      left,
      this.#blobs,
      // Nothing is bad, as a rule, and then no key has to be made for each of a hundred thousand blobs.
      ({ pack, id }) => this.#bad.size === 0 || (!this.#bad.has(pack) && !this.#bad.has(pack + id)),
    );
  }

  /** Before a byte is downloaded. @throws LocalIoError `DISK_FULL` */
  async #assertSpace(plan: readonly Stretch[], wanted: readonly Wanted[]): Promise<void> {
    const packs = plan.reduce((sum, { length }) => sum + length, 0);
    const needed = wanted.reduce((sum, { manifestSize }) => sum + (manifestSize ?? 0), packs);
    if (needed === 0) return;
    const free = await (this.#parts.freeSpace?.() ?? freeBytes(this.#parts.root));
    // What looks at targets is loaded only by who downloads.
    const { assertRoomToRestore, noRoom, SPARE_BYTES } = await import('./fetch-space.ts');
    if (free !== undefined && free < needed + SPARE_BYTES)
      throw noRoom(`${needed} bytes have to be fetched and ${free} are free`);
    const { restoring } = this.#options;
    if (restoring === undefined) return;
    const fetched = new Map(wanted.map((artifact) => [artifact.hex, artifact]));
    const manifestOf = async (digest: string): Promise<Manifest | undefined> => {
      const artifact = fetched.get(hexOf(digest));
      if (artifact?.manifestSize === undefined) return this.#localManifest(hexOf(digest));
      return decodeManifest(
        artifact.bytes ?? (await this.#remoteManifest(artifact.hex, true)),
        `manifest ${digest}`,
      );
    };
    await assertRoomToRestore(restoring, {
      ...this.#options,
      parts: this.#parts,
      manifestOf,
      fetched: needed,
      free,
    });
  }

  /** Until every blob is here or has no place left where it could be got from. */
  async #download(first: readonly Stretch[], left: Set<string>, index: BlobIndex): Promise<void> {
    const { objects } = this.#parts;
    const sink = new FetchedBlobs(objects, index);
    const hasher = new PackHasher(first.reduce((sum, { whole, length }) => sum + (whole ? length : 0), 0));
    const parts = { remote: this.#remote, objects, index, sink, hasher };
    try {
      for (let plan = first; plan.length > 0; plan = this.#plan(left)) {
        for (const { length } of plan) this.#tally.plan(length);
        const tasks = plan.map((stretch) => this.#downloadOne(parts, stretch, left));
        for (const task of tasks) task.catch((error: unknown) => this.#gate.stop(error));
        const failed = (await Promise.allSettled(tasks)).find(({ status }) => status === 'rejected');
        if (failed?.status === 'rejected') throw failed.reason;
      }
    } finally {
      // What came is kept, also when the rest did not.
      await Promise.all([sink.commit(), hasher.close()]);
      index.save();
    }
  }

  async #downloadOne(
    parts: Parameters<typeof download>[0],
    stretch: Stretch,
    left: Set<string>,
  ): Promise<void> {
    const key: ObjectKey = { kind: 'packs', name: stretch.pack };
    for (let attempt = 1; ; attempt += 1) {
      try {
        const result = await this.#gate.run(stretch.length, (release) => download(parts, stretch, release));
        for (const id of result.ids) left.delete(id);
        if (result.failed.length > 0 && attempt < ATTEMPTS) {
          stretch = { ...stretch, blobs: stretch.blobs.filter(({ id }) => left.has(id)) };
          continue;
        }
        this.#tally.moved(key, stretch.length);
        this.#tally.advance(stretch.length);
        await this.#noteDamage(key, result);
        return;
      } catch (error) {
        if (!(error instanceof IntegrityError)) throw error;
        const text =
          error.code === 'OBJECT_MISSING' ? `${objectPath(key)} is missing on the remote` : error.message;
        const code = error.code === 'OBJECT_MISSING' ? 'REMOTE_OBJECT_MISSING' : 'REMOTE_OBJECT_DAMAGED';
        this.#bad.set(stretch.pack, { code, text });
        return;
      }
    }
  }

  async #noteDamage(key: ObjectKey, { failed, damage }: Downloaded): Promise<void> {
    if (damage === undefined) return;
    const { bytes, problem } = damage;
    const place = await this.#keep(key, problem, () => Promise.resolve(bytes));
    const text = `on the remote ${problem}${place === undefined ? '' : `; a copy is in ${place}`}`;
    for (const id of failed) this.#bad.set(key.name + id, { code: 'REMOTE_OBJECT_DAMAGED', text });
    if (failed.length === 0) this.#parts.warn(`${text}; all that was wanted of it is intact`);
  }

  /** A copy for whoever wants to know what happened; the remote's own is left alone. */
  async #keep(key: ObjectKey, problem: string, read: () => Promise<Uint8Array>): Promise<string | undefined> {
    try {
      return await this.#parts.keepDamaged?.({ key, bytes: await read(), reason: problem });
    } catch (error) {
      if (error instanceof MlopsError) return undefined;
      throw error;
    }
  }

  async #finish(wanted: readonly Wanted[], left: ReadonlySet<string>): Promise<void> {
    for (const artifact of wanted) {
      const { hex, missing, manifestSize } = artifact;
      assertNotAborted(this.#options.signal);
      const lost = new Set(missing.filter((id) => left.has(id)));
      if (missing.length > lost.size) this.#tally.changed(digestOf(hex));
      if (lost.size > 0) {
        await this.#explain(artifact, lost);
        continue;
      }
      if (manifestSize === undefined) continue;
      const key: ObjectKey = { kind: 'manifests', name: hex };
      const bytes = artifact.bytes ?? (await this.#gate.run(manifestSize, () => this.#remote.get(key)));
      await putObject(this.#parts.objects, { key, bytes });
      this.#tally.moved(key, bytes.length);
      this.#tally.advance(bytes.length);
      this.#tally.changed(digestOf(hex));
    }
  }

  /** Packs that vanished may have been rewritten: then other layouts say where the blobs are. True when there are any. */
  async #lookAgain(wanted: readonly Wanted[], left: ReadonlySet<string>): Promise<boolean> {
    const lost = wanted.filter(({ missing }) => missing.some((id) => left.has(id)));
    if (lost.length === 0) return false;
    const names = await this.#view.layoutNames(lost.map(({ hex }) => hex));
    let isNew = false;
    for (const artifact of lost) {
      const fresh = this.#layouts.unknownOf(names.get(artifact.hex) ?? []);
      if (fresh.length === 0) continue;
      if (await this.#layouts.learnMore(await this.#manifestOf(artifact), fresh)) isNew = true;
    }
    return isNew;
  }

  async #manifestOf({ hex, bytes }: Wanted): Promise<Manifest> {
    const source = `manifest ${digestOf(hex)}`;
    if (bytes !== undefined) return decodeManifest(bytes, source);
    return (await this.#localManifest(hex)) ?? decodeManifest(await this.#remoteManifest(hex, true), source);
  }

  async #explain(artifact: Wanted, lost: ReadonlySet<string>): Promise<void> {
    const { hex } = artifact;
    const manifest = await this.#manifestOf(artifact);
    const causes = [...lost].flatMap((id) =>
      this.#blobs
        .findAll(id)
        .map(({ pack }) => this.#bad.get(pack) ?? this.#bad.get(pack + id))
        .filter((cause) => cause !== undefined),
    );
    const text = `could not be got whole: ${filesNeeding(manifest, lost)}`;
    const code =
      causes.find((cause) => cause.code === 'REMOTE_OBJECT_DAMAGED')?.code ?? 'REMOTE_OBJECT_MISSING';
    this.#fail(hex, { code, text });
    for (const cause of causes) this.#fail(hex, cause);
  }

  #count(plan: readonly Stretch[], wanted: readonly Wanted[], left: ReadonlySet<string>): void {
    for (const { pack, length } of plan) this.#tally.moved({ kind: 'packs', name: pack }, length);
    for (const { hex, manifestSize, missing } of wanted) {
      const key: ObjectKey = { kind: 'manifests', name: hex };
      if (manifestSize !== undefined) this.#tally.moved(key, manifestSize);
      if (manifestSize !== undefined || missing.some((id) => left.has(id)))
        this.#tally.changed(digestOf(hex));
    }
  }

  #fail(hex: string, problem: TransferProblem): void {
    this.#problems.add(digestOf(hex), problem);
  }
}

/** What concerns one artifact only. Anything else ends the fetch. */
function problemOf(error: unknown): TransferProblem {
  if (!(error instanceof IntegrityError)) throw error;
  const { code, message } = error;
  return { code: code === 'REMOTE_OBJECT_MISSING' ? code : 'REMOTE_OBJECT_DAMAGED', text: message };
}
