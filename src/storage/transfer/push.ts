import { IntegrityError } from '../../errors.ts';
import { BlobReader } from '../artifact/blob-reader.ts';
import { distinctBlobs, loadIndex, readManifest, type ArtifactParts } from '../artifact/parts.ts';
import { assertNotAborted } from '../artifact/walk.ts';
import type { PushOptions, Transferred } from '../artifact-transfer.ts';
import type { BlobIndex } from '../blob-index.ts';
import { digestOf, hexOf } from '../digest.ts';
import { inParallel } from '../in-parallel.ts';
import { MemoryIndexFiles } from '../index-files.ts';
import type { Manifest } from '../manifest.ts';
import { objectPath } from '../object-errors.ts';
import type { ObjectKey, ObjectStore } from '../object-store.ts';
import { DEFAULT_JOBS, TransferGate } from './gate.ts';
import { buildFreshPacks } from './fresh-packs.ts';
import { Layout, type RemoteLocation } from './layout.ts';
import { filesNeeding, problemOfPush, Problems, type TransferProblem } from './problems.ts';
import { chooseLocalPacks, isWorthWhole, type LocalPack } from './push-plan.ts';
import { putObject } from './put-object.ts';
import { RelatedBlobs } from './related-blobs.ts';
import { compareManifests, completeLayout, findArtifacts, type RemoteArtifact } from './remote-artifacts.ts';
import { RemoteBlobs } from './remote-blobs.ts';
import { assertUndamaged, damageInTheWay, warnOfLayouts } from './remote-damage.ts';
import { examineForRepair, quarantineThere, removeBadPacks, type BadObjects } from './remote-repair.ts';
import { RemoteView } from './remote-view.ts';
import { Tally } from './tally.ts';

/** Artifacts whose packs are sent before the remote is asked for them once, together. */
const GROUP = 32;
/** Manifests and layouts above this are asked for before they are sent. */
const WORTH_ASKING = 256 * 1024;

interface Planned {
  hex: string;
  layout: Layout;
  /** Packs that are sent for it, or were asked for. */
  packs: readonly string[];
}

/** See `ArtifactTransfer.push`. */
export function push(
  place: { parts: ArtifactParts; remote: ObjectStore },
  digests: readonly string[],
  options: PushOptions,
): Promise<Transferred> {
  return new Push(place, options).run([...new Set(digests.map(hexOf))]);
}

class Push {
  readonly #parts: ArtifactParts;
  readonly #remote: ObjectStore;
  readonly #options: PushOptions;
  readonly #gate: TransferGate;
  readonly #view: RemoteView;
  readonly #tally: Tally;
  readonly #problems: Problems;
  readonly #blobs = new RemoteBlobs();
  /** Packs that are on their way or there, by name; each is sent once. */
  readonly #uploads = new Map<string, Promise<void>>();
  readonly #absent: string[] = [];
  #bad: BadObjects = { packs: new Map(), manifests: new Map() };

  constructor({ parts, remote }: { parts: ArtifactParts; remote: ObjectStore }, options: PushOptions) {
    this.#parts = parts;
    this.#remote = remote;
    this.#options = options;
    this.#gate = new TransferGate(options, remote);
    // Who repairs wants to know what the remote gives out, of every artifact: what a bad pack is moved away for must be read there.
    const files = options.repair === true ? new MemoryIndexFiles() : parts.files;
    this.#view = new RemoteView({ remote, gate: this.#gate, files });
    this.#tally = new Tally(options);
    this.#problems = new Problems(options.nameOf);
  }

  async run(wanted: readonly string[]): Promise<Transferred> {
    const found = await findArtifacts(this.#view, wanted);
    await compareManifests({ view: this.#view, local: this.#parts.objects }, found);
    if (this.#options.repair === true) await this.#examine([...found.values()]);
    const open: RemoteArtifact[] = [];
    for (const artifact of found.values()) {
      if (this.#isComplete(artifact)) this.#countComplete(artifact);
      else if (!this.#isRefused(artifact)) open.push(artifact);
    }
    if (open.length > 0) await this.#send(open, found);
    for (const artifact of found.values())
      if (this.#isSettled(artifact.manifest)) warnOfLayouts(artifact, this.#parts.warn);
    this.#problems.throwIfAnyOfPush(this.#options.dryRun === true);
    return { ...this.#tally.result, absent: this.#absent };
  }

  #isComplete(artifact: RemoteArtifact): boolean {
    const layout = completeLayout(artifact);
    if (layout === undefined) return false;
    if (this.#bad.manifests.has(artifact.manifest)) return false;
    return layout.packs.every(({ name }) => !this.#bad.packs.has(name));
  }

  #countComplete(artifact: RemoteArtifact): void {
    const layout = completeLayout(artifact);
    if (layout === undefined) return;
    for (const { name, size } of layout.packs) this.#tally.present({ kind: 'packs', name }, size);
    this.#tally.present({ kind: 'manifests', name: artifact.manifest }, artifact.manifestSize ?? 0);
    this.#tally.present({ kind: 'layouts', name: layout.name }, layout.size);
  }

  /** Damage that can be seen from here is not passed over: it is repaired when asked to, and else said. */
  #isRefused(artifact: RemoteArtifact): boolean {
    const texts = this.#options.repair === true ? [] : damageInTheWay(artifact);
    for (const text of texts) this.#fail(artifact.manifest, { code: 'REMOTE_OBJECT_DAMAGED', text });
    return texts.length > 0;
  }

  async #examine(artifacts: readonly RemoteArtifact[]): Promise<void> {
    this.#bad = await examineForRepair(artifacts, {
      remote: this.#remote,
      gate: this.#gate,
      tally: this.#tally,
    });
    if (this.#options.dryRun === true) return;
    for (const { damaged } of artifacts) {
      for (const { key, problem } of damaged) await this.#quarantine(key, problem);
      damaged.length = 0;
    }
  }

  async #send(open: readonly RemoteArtifact[], found: Map<string, RemoteArtifact>): Promise<void> {
    const index = await loadIndex(this.#parts);
    const related = new RelatedBlobs({
      parts: this.#parts,
      view: this.#view,
      blobs: this.#blobs,
      found,
      isUsable: (pack) => !this.#bad.packs.has(pack),
      relatedTo: (hex) => (this.#options.related?.(digestOf(hex)) ?? []).map(hexOf),
    });
    try {
      for (let start = 0; start < open.length; start += GROUP) {
        await this.#sendGroup(open.slice(start, start + GROUP), { index, related });
      }
    } catch (error) {
      this.#gate.stop(error);
      throw error;
    } finally {
      // Nothing may go on behind the caller's back.
      await Promise.allSettled(this.#uploads.values());
    }
    if (this.#options.repair === true && this.#options.dryRun !== true) await this.#removeBad(found);
  }

  async #sendGroup(
    artifacts: readonly RemoteArtifact[],
    sources: { index: BlobIndex; related: RelatedBlobs },
  ): Promise<void> {
    const planned: Planned[] = [];
    for (const artifact of artifacts) {
      assertNotAborted(this.#options.signal);
      try {
        const plan = await this.#plan(artifact, sources);
        if (plan !== undefined) planned.push(plan);
      } catch (error) {
        this.#fail(artifact.manifest, problemOfPush(error));
      }
    }
    const sent: Planned[] = [];
    for (const plan of planned) {
      try {
        for (const pack of plan.packs) await this.#uploads.get(pack);
        sent.push(plan);
      } catch (error) {
        this.#fail(plan.hex, problemOfPush(error));
      }
    }
    await this.#publish(sent);
  }

  /** Chooses where each blob is or goes, and starts sending what has to be sent. */
  async #plan(
    artifact: RemoteArtifact,
    { index, related }: { index: BlobIndex; related: RelatedBlobs },
  ): Promise<Planned | undefined> {
    const hex = artifact.manifest;
    const manifest = await this.#readManifest(artifact);
    if (manifest === undefined) return undefined;
    const ids = [...distinctBlobs(manifest)];
    await related.addOwn(artifact, ids);
    let open = ids.filter((id) => this.#blobs.find(id) === undefined);
    if (open.length > 0) {
      await related.addFor(hex, new Set(open));
      open = open.filter((id) => this.#blobs.find(id) === undefined);
    }
    const { packs, missing } = chooseLocalPacks(index, open);
    if (missing.size > 0) {
      const text = `blobs are missing here for ${filesNeeding(manifest, missing)}`;
      throw new IntegrityError('OBJECT_MISSING', text);
    }
    const there = await this.#view.sizes(
      'packs',
      packs.map(({ name }) => name).filter((name) => !this.#uploads.has(name)),
    );
    const rest = new Set<string>();
    const whole: LocalPack[] = [];
    for (const pack of packs) {
      const known = this.#uploads.has(pack.name) || there.has(pack.name);
      if (known || isWorthWhole(pack)) {
        this.#sendWhole(pack, there.get(pack.name));
        whole.push(pack);
      } else {
        for (const { id } of pack.blobs) rest.add(id);
      }
    }
    // All at once, as what is known is sorted anew each time.
    this.#blobs.add(whole.map(({ name, size, blobs }) => ({ name, size, entries: blobs })));
    await this.#sendFresh(
      open.filter((id) => rest.has(id)),
      index,
    );
    const locations = ids.map((id) => this.#locate(id));
    const layout = Layout.build(hex, locations);
    if (this.#options.repair !== true) assertUndamaged(artifact, layout.name);
    return { hex, layout, packs: layout.packs.map(({ name }) => name) };
  }

  #locate(id: string): RemoteLocation {
    const location = this.#blobs.find(id);
    if (location === undefined) throw new Error(`blob ${id} was given no place`);
    return location;
  }

  /** Undefined when nothing of the artifact is here and that was said to be no matter. @throws IntegrityError */
  async #readManifest(artifact: RemoteArtifact): Promise<Manifest | undefined> {
    const digest = digestOf(artifact.manifest);
    try {
      return (await readManifest(this.#parts.objects, digest)).manifest;
    } catch (error) {
      const isMissing = error instanceof IntegrityError && error.code === 'OBJECT_MISSING';
      if (!isMissing) throw error;
      if (this.#options.repair !== true) assertUndamaged(artifact);
      if (this.#options.passOverAbsent?.(digest) === true) {
        this.#absent.push(digest);
        return undefined;
      }
      throw new IntegrityError('OBJECT_MISSING', 'nothing of it is here', { cause: error });
    }
  }

  #sendWhole({ name, size }: LocalPack, sizeThere: number | undefined): void {
    if (this.#options.repair !== true && sizeThere !== undefined && sizeThere !== size) {
      const path = objectPath({ kind: 'packs', name });
      throw new IntegrityError(
        'REMOTE_OBJECT_DAMAGED',
        `${path} on the remote has ${sizeThere} bytes instead of ${size}`,
      );
    }
    if (this.#uploads.has(name)) return;
    const key: ObjectKey = { kind: 'packs', name };
    if (this.#options.dryRun === true) {
      this.#count(key, size, sizeThere === size && !this.#bad.packs.has(name));
      this.#uploads.set(name, Promise.resolve());
      return;
    }
    this.#tally.plan(size);
    // Hashed by the store that takes it, before anything is sent; hashing it here too would cost as much again.
    void this.#startUpload(key, { size, likelyThere: sizeThere !== undefined }, () =>
      this.#parts.objects.get(key, { offset: 0, length: size }),
    );
  }

  async #sendFresh(ids: readonly string[], index: BlobIndex): Promise<void> {
    if (ids.length === 0) return;
    const tables = await buildFreshPacks(ids, {
      index,
      reader: new BlobReader(this.#parts.objects, index),
      send: async ({ name, size }, bytes) => {
        const key: ObjectKey = { kind: 'packs', name };
        if (this.#options.dryRun === true) {
          const there = await this.#view.sizes('packs', [name]);
          this.#count(key, size, there.get(name) === size);
          this.#uploads.set(name, Promise.resolve());
          return;
        }
        this.#tally.plan(size);
        // An interrupted push may have sent it.
        await this.#startUpload(key, { size, likelyThere: true }, () => Promise.resolve(bytes));
      },
    });
    this.#blobs.add(tables);
  }

  #startUpload(
    key: ObjectKey,
    { size, likelyThere }: { size: number; likelyThere: boolean },
    read: () => Promise<Uint8Array>,
  ): Promise<void> {
    const upload = this.#gate.run(size, async () => this.#put(key, await read(), likelyThere));
    upload.catch((error: unknown) => {
      if (!(error instanceof IntegrityError)) this.#gate.stop(error);
    });
    this.#uploads.set(key.name, upload);
    return upload;
  }

  async #put(key: ObjectKey, bytes: Uint8Array, likelyThere = bytes.length > WORTH_ASKING): Promise<void> {
    const bad = this.#bad[key.kind === 'packs' ? 'packs' : 'manifests'];
    const problem = bad.get(key.name);
    // What was read back and is wrong may still be called right by what the remote remembers of it.
    if (problem !== undefined) await this.#quarantine(key, problem);
    bad.delete(key.name);
    const onDamaged = this.#options.repair === true ? 'replace' : 'refuse';
    const outcome = await putObject(this.#remote, { key, bytes }, { onDamaged, likelyThere });
    this.#count(key, bytes.length, outcome === 'present');
    this.#tally.advance(bytes.length);
    if (outcome === 'replaced')
      this.#parts.warn(
        `${objectPath(key)} on the remote was damaged; it was moved to quarantine there and replaced`,
      );
  }

  #count(key: ObjectKey, size: number, isThere: boolean): void {
    if (isThere) this.#tally.present(key, size);
    else this.#tally.moved(key, size);
  }

  /** Manifests, then the question whether all that the layouts name is there, then the layouts. */
  async #publish(planned: readonly Planned[]): Promise<void> {
    const { dryRun } = this.#options;
    for (const { layout, hex } of planned) {
      this.#tally.changed(digestOf(hex));
      for (const { name, size } of layout.packs)
        if (!this.#uploads.has(name)) this.#tally.present({ kind: 'packs', name }, size);
    }
    if (dryRun === true) return this.#countDocuments(planned);
    const sizes = new Map<string, number>();
    const sent = await this.#each(planned, async ({ hex }) => {
      const key: ObjectKey = { kind: 'manifests', name: hex };
      const size = (await this.#parts.objects.stat(key))?.size ?? 0;
      sizes.set(hex, size);
      this.#tally.plan(size);
      await this.#gate.run(size, async () => this.#put(key, await this.#parts.objects.get(key)));
    });
    const packs = await this.#view.sizes('packs', new Set(sent.flatMap((plan) => plan.packs)));
    const manifests = await this.#view.sizes('manifests', sizes.keys());
    const proven = sent.filter(({ hex, layout }) => {
      const lacking = [
        ...layout.packs
          .filter(({ name, size }) => packs.get(name) !== size)
          .map(({ name }) => objectPath({ kind: 'packs', name })),
        ...(manifests.get(hex) === sizes.get(hex) ? [] : [objectPath({ kind: 'manifests', name: hex })]),
      ];
      if (lacking.length === 0) return true;
      const text = `the remote does not hold ${lacking.slice(0, 5).join(', ')} after it took it`;
      this.#fail(hex, { code: 'REMOTE_OBJECT_MISSING', text });
      return false;
    });
    await this.#each(proven, async ({ layout }) => {
      const { bytes, name } = layout;
      this.#tally.plan(bytes.length);
      await this.#gate.run(bytes.length, () => this.#put({ kind: 'layouts', name }, bytes));
      this.#parts.files.write(`layouts/${name.replace('-', '')}`, bytes);
    });
  }

  /** Resolves to those for which it was done; of the others is told what is wrong with them. */
  async #each(planned: readonly Planned[], task: (plan: Planned) => Promise<void>): Promise<Planned[]> {
    await inParallel(planned, this.#options.jobs ?? DEFAULT_JOBS, (plan) =>
      task(plan).catch((error: unknown) => this.#fail(plan.hex, problemOfPush(error))),
    );
    return planned.filter(({ hex }) => this.#isSettled(hex));
  }

  async #countDocuments(planned: readonly Planned[]): Promise<void> {
    const there = await this.#view.sizes(
      'manifests',
      planned.map(({ hex }) => hex),
    );
    for (const { hex, layout } of planned) {
      const key: ObjectKey = { kind: 'manifests', name: hex };
      const size = (await this.#parts.objects.stat(key))?.size ?? 0;
      this.#count(key, size, there.get(hex) === size && !this.#bad.manifests.has(hex));
      this.#tally.moved({ kind: 'layouts', name: layout.name }, layout.bytes.length);
    }
  }

  /** What is still bad after everything that needs it was given another place. */
  #removeBad(found: ReadonlyMap<string, RemoteArtifact>): Promise<void> {
    const place = { remote: this.#remote, view: this.#view, warn: this.#parts.warn };
    return removeBadPacks(place, this.#bad.packs, (hex) => found.has(hex) && this.#isSettled(hex));
  }

  #isSettled(hex: string): boolean {
    return !this.#problems.has(digestOf(hex)) && !this.#absent.includes(digestOf(hex));
  }

  #quarantine(key: ObjectKey, problem: string): Promise<void> {
    return quarantineThere({ remote: this.#remote, warn: this.#parts.warn }, key, problem);
  }

  #fail(hex: string, problem: TransferProblem): void {
    this.#problems.add(digestOf(hex), problem);
  }
}
