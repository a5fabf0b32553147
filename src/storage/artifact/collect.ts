import { IntegrityError, LocalIoError } from '../../errors.ts';
import { readPackTable } from '../blob-index.ts';
import { decodeBlob } from '../compression.ts';
import { digestOf, sha256HexInPool } from '../digest.ts';
import type {
  CollectedGarbage,
  DeadObject,
  GarbageCollector,
  GarbagePlan,
  LocatedObject,
  SparsePack,
  SurveyOptions,
} from '../garbage.ts';
import type { ObjectInfo, ObjectKind } from '../object-store.ts';
import type { PackEntry } from '../pack.ts';
import { locateObjects } from './locate.ts';
import { writePacks } from './pack-writer.ts';
import { readManifest, type ArtifactParts } from './parts.ts';
import { assertNotAborted } from './walk.ts';

/** A pack is rewritten when less than this part of the bytes of its blobs is needed. */
const SPARSE_BELOW = 0.5;

/** See {@link GarbageCollector}. */
export class ObjectCollector implements GarbageCollector {
  readonly #parts: ArtifactParts;
  /** Ids of blobs that manifests need. Grows only: what was needed once in this run stays. */
  readonly #neededBlobs = new Set<string>();
  readonly #readManifests = new Set<string>();
  /** Blobs that were found good in this run, and the pack they were found in. */
  readonly #secured = new Map<string, string>();

  constructor(parts: ArtifactParts) {
    this.#parts = parts;
  }

  locate(prefix: string): Promise<LocatedObject[]> {
    return locateObjects(this.#parts.objects, prefix);
  }

  async survey(needed: ReadonlySet<string>, options: SurveyOptions): Promise<GarbagePlan> {
    const oldest = this.#clock() - options.graceMs;
    const isYoung = ({ modified }: ObjectInfo): boolean => modified === undefined || modified > oldest;
    const look = new Look(options);
    const manifests = await this.#list('manifests', look);
    this.#assertNoneQuarantined(needed, manifests);
    const kept = { manifests: 0, packs: 0, bytes: 0 };
    const keep = (kind: 'manifests' | 'packs', { size }: ObjectInfo): void => {
      kept[kind] += 1;
      kept.bytes += size;
    };
    const deadManifests: DeadObject[] = [];
    const young: string[] = [];
    const neededHere: string[] = [];
    for (const info of manifests) {
      look.step();
      const digest = digestOf(info.key.name);
      const isNeeded = needed.has(digest);
      if (!isNeeded && !isYoung(info) && !this.#readManifests.has(digest)) {
        deadManifests.push(dead(info));
        continue;
      }
      (isNeeded ? neededHere : young).push(digest);
      keep('manifests', info);
      await this.#readManifest(digest);
    }
    const packs: DeadObject[] = [];
    const sparse: SparsePack[] = [];
    for (const info of await this.#list('packs', look)) {
      look.step();
      const use = isYoung(info) ? undefined : await this.#useOf(info);
      if (use === undefined || use.neededBytes >= use.bytes * SPARSE_BELOW) keep('packs', info);
      else if (use.neededBlobs === 0) packs.push(dead(info));
      else sparse.push({ ...dead(info), neededBytes: use.neededBytes, neededBlobs: use.neededBlobs });
    }
    return { manifests: deadManifests, packs, sparse, needed: neededHere, young, kept };
  }

  /** The clock of the file system that the objects are on; a full disk does not tell it, and is what people collect garbage for. */
  #clock(): number {
    try {
      return this.#parts.probe();
    } catch (error) {
      if (error instanceof LocalIoError) return Date.now();
      throw error;
    }
  }

  async #list(kind: ObjectKind, look: Look): Promise<ObjectInfo[]> {
    const found: ObjectInfo[] = [];
    for await (const info of this.#parts.objects.list(kind)) {
      look.assertWanted();
      found.push(info);
    }
    return found.toSorted((first, second) => (first.key.name < second.key.name ? -1 : 1));
  }

  /** Artifacts that were never here are no reason to stop, but one whose manifest went bad needs blobs that nobody can name. */
  #assertNoneQuarantined(needed: ReadonlySet<string>, manifests: readonly ObjectInfo[]): void {
    const here = new Set(manifests.map(({ key }) => digestOf(key.name)));
    for (const { kind, name } of this.#parts.quarantined?.() ?? []) {
      const digest = digestOf(name);
      if (kind !== 'manifests' || here.has(digest) || !needed.has(digest)) continue;
      throw new IntegrityError(
        'MANIFEST_QUARANTINED',
        `the manifest ${digest} was damaged and is not replaced yet, so nobody can tell which blobs it needs; nothing was removed`,
        { hint: 'bring it back: save the same files again, or `mlops pull`' },
      );
    }
  }

  async #readManifest(digest: string): Promise<void> {
    if (this.#readManifests.has(digest)) return;
    const { manifest } = await readManifest(this.#parts.objects, digest);
    for (const { blobs } of manifest.files) for (const id of blobs) this.#neededBlobs.add(id);
    this.#readManifests.add(digest);
  }

  async #useOf(info: ObjectInfo): Promise<{ bytes: number; neededBytes: number; neededBlobs: number }> {
    const use = { bytes: 0, neededBytes: 0, neededBlobs: 0 };
    for (const { id, storedLength } of await this.#table(info)) {
      use.bytes += storedLength;
      if (!this.#neededBlobs.has(id)) continue;
      use.neededBytes += storedLength;
      use.neededBlobs += 1;
    }
    return use;
  }

  /** From the pack itself: an index that was wrong must not cost a blob. */
  #table({ key, size }: ObjectInfo): Promise<PackEntry[]> {
    return readPackTable(this.#parts.objects, key, size);
  }

  async copySparse(plan: GarbagePlan, { signal }: { signal?: AbortSignal }): Promise<number> {
    if (plan.sparse.length === 0) return 0;
    const wanted = await this.#neededIn(plan.sparse);
    await this.#secureElsewhere(plan, wanted, signal);
    const { objects } = this.#parts;
    const copied = new Set<string>();
    const tables = await writePacks(objects, async (writer) => {
      for (const { name } of plan.sparse) {
        assertNotAborted(signal);
        const entries = (wanted.get(name) ?? []).filter(({ id }) => !this.#secured.has(id));
        if (entries.length === 0) continue;
        const pack = await objects.get({ kind: 'packs', name });
        for (const entry of entries) {
          const stored = pack.subarray(entry.offset, entry.offset + entry.storedLength);
          await this.#assertGood(entry, stored, name);
          if (copied.has(entry.id)) continue;
          copied.add(entry.id);
          writer.add(entry, { encoding: entry.encoding, stored });
          await writer.ready();
        }
      }
    });
    let bytes = 0;
    for (const { name, size, entries } of tables) {
      // From the disk, with its hash: after this the old copies may go.
      await objects.get({ kind: 'packs', name });
      for (const { id } of entries) this.#secured.set(id, name);
      bytes += size;
    }
    return bytes;
  }

  async #neededIn(packs: readonly DeadObject[]): Promise<Map<string, PackEntry[]>> {
    const wanted = new Map<string, PackEntry[]>();
    for (const { name, size } of packs) {
      const entries = await this.#table({ key: { kind: 'packs', name }, size });
      wanted.set(
        name,
        entries.filter(({ id }) => this.#neededBlobs.has(id)),
      );
    }
    return wanted;
  }

  /** A blob may lie in a pack that stays, as after an interrupted run: that copy will do if it is good. */
  async #secureElsewhere(
    plan: GarbagePlan,
    wanted: ReadonlyMap<string, readonly PackEntry[]>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const ids = new Set([...wanted.values()].flatMap((entries) => entries.map(({ id }) => id)));
    const going = new Set([...plan.packs, ...plan.sparse].map(({ name }) => name));
    for await (const info of this.#parts.objects.list('packs')) {
      assertNotAborted(signal);
      const { name } = info.key;
      if (going.has(name)) continue;
      for (const entry of await this.#table(info)) {
        if (!ids.has(entry.id) || this.#secured.has(entry.id)) continue;
        const { offset, storedLength: length } = entry;
        const stored = await this.#parts.objects.get(info.key, { offset, length });
        if (await isGood(entry, stored)) this.#secured.set(entry.id, name);
      }
    }
  }

  async #assertGood(entry: PackEntry, stored: Uint8Array, pack: string): Promise<void> {
    if (await isGood(entry, stored)) return;
    throw new IntegrityError(
      'OBJECT_DAMAGED',
      `blob ${entry.id} in pack ${pack} does not hash to its id; nothing was removed`,
      { hint: 'run `mlops verify --deep` to see what else is damaged' },
    );
  }

  async remove(
    plan: GarbagePlan,
    { assertAllowed }: { assertAllowed(): Promise<void> },
  ): Promise<CollectedGarbage> {
    const emptied = await this.#emptied(plan.sparse);
    const done: CollectedGarbage = { manifests: 0, packs: 0, repacked: 0, bytes: 0 };
    const remove = async (kind: 'manifests' | 'packs', { name, size }: DeadObject): Promise<boolean> => {
      await assertAllowed();
      if (!(await this.#parts.objects.delete({ kind, name }))) return false;
      done.bytes += size;
      return true;
    };
    for (const each of plan.manifests) if (await remove('manifests', each)) done.manifests += 1;
    for (const each of plan.packs) if (await remove('packs', each)) done.packs += 1;
    for (const each of emptied) if (await remove('packs', each)) done.repacked += 1;
    return done;
  }

  /** Sparse packs whose needed blobs are all good in packs that are there now and that stay. */
  async #emptied(sparse: readonly SparsePack[]): Promise<SparsePack[]> {
    const going = new Set(sparse.map(({ name }) => name));
    const there = new Map<string, boolean>();
    const emptied: SparsePack[] = [];
    for (const [name, entries] of await this.#neededIn(sparse)) {
      let safe = true;
      for (const { id } of entries) {
        const pack = this.#secured.get(id);
        if (pack === undefined || going.has(pack)) safe = false;
        else if (!there.has(pack)) {
          there.set(pack, (await this.#parts.objects.stat({ kind: 'packs', name: pack })) !== undefined);
        }
        if (pack !== undefined && there.get(pack) === false) safe = false;
      }
      const found = sparse.find((each) => each.name === name);
      if (safe && found !== undefined) emptied.push(found);
    }
    return emptied;
  }
}

async function isGood(entry: PackEntry, stored: Uint8Array): Promise<boolean> {
  try {
    return (await sha256HexInPool(await decodeBlob(new Uint8Array(stored), entry))) === entry.id;
  } catch (error) {
    if (error instanceof IntegrityError) return false;
    throw error;
  }
}

function dead({ key, size }: ObjectInfo): DeadObject {
  return { name: key.name, size };
}

/** Counts what was looked at, and stops when nobody wants to know any more. */
class Look {
  readonly #options: SurveyOptions;
  #objects = 0;

  constructor(options: SurveyOptions) {
    this.#options = options;
  }

  assertWanted(): void {
    assertNotAborted(this.#options.signal);
  }

  step(): void {
    this.assertWanted();
    this.#objects += 1;
    this.#options.onProgress?.({ objects: this.#objects });
  }
}
