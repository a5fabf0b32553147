import { IntegrityError, RefusedError } from '../../errors.ts';
import { distinctBlobs } from '../artifact/parts.ts';
import { assertNotAborted } from '../artifact/walk.ts';
import { readPackTable } from '../blob-index.ts';
import type { PackTable } from '../blob-segment.ts';
import { digestOf } from '../digest.ts';
import type { SparsePack } from '../garbage.ts';
import { inParallel } from '../in-parallel.ts';
import { MemoryIndexFiles } from '../index-files.ts';
import { decodeManifest, type Manifest } from '../manifest.ts';
import { objectPath } from '../object-errors.ts';
import type { ObjectKey, ObjectStore } from '../object-store.ts';
import type { PackEntry } from '../pack.ts';
import { isIntact } from './download.ts';
import { stretchesOf } from './fetch-plan.ts';
import { FreshPacks } from './fresh-packs.ts';
import { DEFAULT_JOBS, TransferGate } from './gate.ts';
import { Layout, type RemoteLocation } from './layout.ts';
import { assertFits } from './layout-fits.ts';
import { putObject } from './put-object.ts';
import { RemoteBlobs } from './remote-blobs.ts';
import { RemoteView } from './remote-view.ts';
import type { RemoteUse, StayingLayout } from './sparse-packs.ts';

/** Packs of which the needed part, less than half of each, is in memory at once. */
const PACKS_AT_ONCE = 4;
/** Layouts that are written at once; they and their manifests may be large. */
const LAYOUTS_AT_ONCE = 4;
/** Bytes that came altered are asked for once more, as the network may have done it. */
const ATTEMPTS = 2;

interface Found {
  location: RemoteLocation;
  stored: Uint8Array;
}

export interface Repacked {
  /** Names of layouts that were written, and of those that they take the place of. */
  written: readonly string[];
  replaced: readonly string[];
  /** Packs that none of the layouts of the survey needs any more, once those that were replaced are gone. */
  emptied: readonly SparsePack[];
  /** What kept others from being emptied. */
  problems: readonly string[];
}

/**
 * Copies what layouts need out of sparse packs of a remote, and writes layouts that name the copies. Only adds: what is replaced is for
 * the caller to remove, and a failure leaves garbage.
 */
export class RemoteRepack {
  readonly #remote: ObjectStore;
  readonly #use: RemoteUse;
  readonly #signal: AbortSignal | undefined;
  readonly #gate: TransferGate;
  readonly #view: RemoteView;
  /** The sparse packs by name, without those that turned out to be damaged. */
  readonly #sparse: Map<string, SparsePack>;
  /** Where copies of blobs may be, not looked at yet. */
  readonly #copies = new RemoteBlobs();
  /** Where blobs of sparse packs lie now, read and found good in this run. */
  readonly #moved = new RemoteBlobs();
  /** Bytes of the packs in which they lie. */
  readonly #targets = new Map<string, number>();
  readonly #problems: string[] = [];

  constructor(
    remote: ObjectStore,
    {
      use,
      sparse,
      signal,
    }: { use: RemoteUse; sparse: readonly SparsePack[]; signal?: AbortSignal | undefined },
  ) {
    this.#remote = remote;
    this.#use = use;
    this.#signal = signal;
    this.#gate = new TransferGate({ signal }, remote);
    this.#view = new RemoteView({ remote, gate: this.#gate, files: new MemoryIndexFiles() });
    this.#sparse = new Map(sparse.map((pack) => [pack.name, pack]));
  }

  /** @throws RemoteError; IntegrityError when what was written does not come back */
  async run(): Promise<Repacked> {
    const affected = this.#use.layouts.filter(({ packs }) => this.#namesSparse(packs));
    await this.#findCopies(affected);
    await this.#copy();
    // Only layouts of which all is there are written, and that is asked after the last pack was.
    const names = affected.flatMap(({ packs }) => packs.map(({ name }) => name));
    const there = await this.#view.sizes('packs', new Set([...names, ...this.#targets.keys()]));
    const written: string[] = [];
    const replaced: string[] = [];
    await inParallel(affected, LAYOUTS_AT_ONCE, async (layout) => {
      assertNotAborted(this.#signal);
      const name = await this.#replace(layout, there);
      if (name === undefined) return;
      written.push(name);
      replaced.push(layout.name);
    });
    const stillThere = await this.#view.sizes('packs', this.#targets.keys());
    for (const [name, size] of this.#targets) {
      if (stillThere.get(name) !== size) throw vanished({ kind: 'packs', name });
    }
    return {
      written,
      // Never what was just written, however it came to be the same.
      replaced: replaced.filter((name) => !written.includes(name)),
      emptied: [...this.#sparse.values()],
      problems: this.#problems,
    };
  }

  #namesSparse(packs: readonly { name: string }[]): boolean {
    return packs.some(({ name }) => this.#sparse.has(name));
  }

  /** These stay. */
  #keep(packs: Iterable<string>, problem: string): void {
    this.#problems.push(problem);
    for (const name of packs) this.#sparse.delete(name);
  }

  /** A run that was interrupted may have left other layouts of these artifacts, and with them packs that hold copies already. */
  async #findCopies(affected: readonly StayingLayout[]): Promise<void> {
    const manifests = new Set(affected.map(({ manifest }) => manifest));
    const named = new Set(affected.flatMap(({ packs }) => packs.map(({ name }) => name)));
    const sizes = new Map<string, number>();
    for (const { manifest, packs } of this.#use.layouts) {
      if (!manifests.has(manifest)) continue;
      for (const { name, size } of packs) if (!named.has(name)) sizes.set(name, size);
    }
    await inParallel(sizes, DEFAULT_JOBS, async ([name, size]) => {
      try {
        const entries = await this.#table(name, size);
        this.#copies.add([{ name, size, entries }]);
      } catch (error) {
        // Nothing depends on what is only a copy.
        problemOf(error);
      }
    });
  }

  #table(name: string, size: number): Promise<PackEntry[]> {
    return this.#gate.run(0, () => readPackTable(this.#remote, { kind: 'packs', name }, size));
  }

  /** Takes those of the blobs for moved that are good elsewhere. */
  async #useCopies(blobs: readonly PackEntry[]): Promise<void> {
    const byPack = new Map<string, RemoteLocation[]>();
    for (const { id } of blobs) {
      const copy = this.#copies.find(id);
      if (copy === undefined) continue;
      const chosen = byPack.get(copy.pack);
      if (chosen === undefined) byPack.set(copy.pack, [copy]);
      else chosen.push(copy);
    }
    for (const [name, chosen] of byPack) {
      const size = chosen[0]?.packSize ?? 0;
      try {
        const entries = chosen.toSorted((one, two) => one.offset - two.offset);
        await this.#read(entries);
        this.#moved.add([{ name, size, entries }]);
        this.#targets.set(name, size);
      } catch (error) {
        problemOf(error);
      }
    }
  }

  /** Writes what is not yet elsewhere to fresh packs, which are the same whenever the same packs are rewritten. */
  async #copy(): Promise<void> {
    const sends: Promise<void>[] = [];
    /** Blobs of the pack that is being filled. */
    const open = new Set<string>();
    const fresh = new FreshPacks((table, bytes) => {
      this.#moved.add([table]);
      this.#targets.set(table.name, table.size);
      open.clear();
      const sent = this.#send(table, bytes);
      sends.push(sent);
      return sent;
    });
    try {
      const packs = [...this.#sparse.values()];
      for (let start = 0; start < packs.length; start += PACKS_AT_ONCE) {
        assertNotAborted(this.#signal);
        for (const { location, stored } of await this.#readGroup(packs.slice(start, start + PACKS_AT_ONCE))) {
          if (open.has(location.id) || this.#moved.find(location.id) !== undefined) continue;
          open.add(location.id);
          await fresh.add(location, { encoding: location.encoding, stored });
        }
      }
      await fresh.flush();
      await Promise.all(sends);
    } catch (error) {
      this.#gate.stop(error);
      throw error;
    } finally {
      // Nothing may go on behind the caller's back.
      await Promise.allSettled(sends);
    }
  }

  /** In the order of the packs. */
  async #readGroup(packs: readonly SparsePack[]): Promise<Found[]> {
    const found = new Map<string, Found[]>();
    await inParallel(packs, PACKS_AT_ONCE, async (pack) => {
      try {
        found.set(pack.name, await this.#readNeeded(pack));
      } catch (error) {
        this.#keep([pack.name], problemOf(error));
      }
    });
    return packs.flatMap(({ name }) => found.get(name) ?? []);
  }

  async #readNeeded({ name: pack, size }: SparsePack): Promise<Found[]> {
    const key: ObjectKey = { kind: 'packs', name: pack };
    const offsets = this.#use.offsetsIn(pack);
    const table = await this.#table(pack, size);
    const entries = table.filter(({ offset }) => offsets.has(offset));
    if (entries.length !== offsets.size)
      throw damaged(key, 'a layout places blobs in it where its own table has none');
    await this.#useCopies(entries.filter(({ id }) => this.#moved.find(id) === undefined));
    const wanted = entries.filter(({ id }) => this.#moved.find(id) === undefined);
    return this.#read(wanted.map((entry) => ({ ...entry, pack, packSize: size })));
  }

  /** Blobs of one pack, sorted by offset, each proved by its id. @throws IntegrityError naming the pack */
  async #read(blobs: readonly RemoteLocation[]): Promise<Found[]> {
    const found: Found[] = [];
    for (const stretch of stretchesOf(blobs)) {
      const { offset, length, pack } = stretch;
      const key: ObjectKey = { kind: 'packs', name: pack };
      for (let attempt = 1; ; attempt += 1) {
        const bytes = await this.#gate.run(
          length,
          async () => (await this.#remote.get(key, { offset, length })) as Uint8Array<ArrayBuffer>,
        );
        const bad: string[] = [];
        for (const blob of stretch.blobs) if (!(await isIntact(bytes, blob, offset))) bad.push(blob.id);
        if (bad.length > 0 && attempt < ATTEMPTS) continue;
        if (bad.length > 0) throw damaged(key, `blob ${bad[0]} in it does not hash to its id`);
        for (const location of stretch.blobs) {
          const start = location.offset - offset;
          found.push({ location, stored: bytes.subarray(start, start + location.storedLength) });
        }
        break;
      }
    }
    return found;
  }

  #send({ name, size }: PackTable, bytes: Buffer<ArrayBuffer>): Promise<void> {
    const key: ObjectKey = { kind: 'packs', name };
    return this.#gate.run(2 * size, async () => {
      await putObject(this.#remote, { key, bytes }, { onDamaged: 'refuse', likelyThere: true });
      // From there, with its hash: after this the old copies may go.
      await this.#remote.get(key);
    });
  }

  /** Writes a layout that names the copies. Undefined when there is nothing to replace, or it can't be. */
  async #replace(old: StayingLayout, there: ReadonlyMap<string, number>): Promise<string | undefined> {
    if (!this.#namesSparse(old.packs)) return undefined;
    try {
      const { manifest, ids } = await this.#manifest(old.manifest);
      const layout = await this.#rewritten(old, manifest, ids);
      for (const { name, size } of layout.packs)
        if (there.get(name) !== size) throw vanished({ kind: 'packs', name });
      const key: ObjectKey = { kind: 'layouts', name: layout.name };
      await this.#gate.run(layout.bytes.length, () =>
        putObject(this.#remote, { key, bytes: layout.bytes }, { onDamaged: 'refuse' }),
      );
      await this.#layout(layout.name, manifest, ids);
      return layout.name;
    } catch (error) {
      this.#keep(
        old.packs.map(({ name }) => name),
        problemOf(error),
      );
      return undefined;
    }
  }

  async #rewritten(old: StayingLayout, manifest: Manifest, ids: ReadonlySet<string>): Promise<Layout> {
    const layout = await this.#layout(old.name, manifest, ids);
    const locations: RemoteLocation[] = [];
    for (const id of ids) {
      const location = layout.locate(locations.length, id);
      const place = this.#sparse.has(location.pack) ? this.#moved.find(id) : location;
      if (place === undefined)
        throw damaged({ kind: 'layouts', name: old.name }, `it places blob ${id} where another one lies`);
      locations.push(place);
    }
    return Layout.build(old.manifest, locations);
  }

  async #manifest(name: string): Promise<{ manifest: Manifest; ids: ReadonlySet<string> }> {
    const manifest = decodeManifest(await this.#view.manifest(name), `manifest ${digestOf(name)}`);
    return { manifest, ids: distinctBlobs(manifest) };
  }

  async #layout(name: string, manifest: Manifest, ids: ReadonlySet<string>): Promise<Layout> {
    const bytes = await this.#gate.run(0, () => this.#remote.get({ kind: 'layouts', name }));
    const layout = Layout.decode(bytes, name);
    assertFits(layout, manifest, ids);
    return layout;
  }
}

/** What is wrong with one object. Anything else ends the run. */
function problemOf(error: unknown): string {
  if (error instanceof IntegrityError || error instanceof RefusedError) return error.message;
  throw error;
}

function damaged(key: ObjectKey, problem: string): IntegrityError {
  return new IntegrityError('REMOTE_OBJECT_DAMAGED', `${objectPath(key)} is damaged: ${problem}`);
}

function vanished(key: ObjectKey): IntegrityError {
  return new IntegrityError(
    'REMOTE_OBJECT_MISSING',
    `${objectPath(key)} vanished while packs were rewritten`,
    {
      hint: 'is somebody else removing objects there? Then wait until that is done, and run the same command again',
    },
  );
}
