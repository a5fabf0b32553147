import { IntegrityError } from '../../errors.ts';
import { assertNotAborted } from '../artifact/walk.ts';
import { digestOf } from '../digest.ts';
import type {
  CollectedRemoteGarbage,
  DeadObject,
  RemoteGarbageCollector,
  RemoteGarbagePlan,
  RemoteSurveyOptions,
  SparsePack,
  SurveyOptions,
} from '../garbage.ts';
import { inParallel } from '../in-parallel.ts';
import type { ObjectInfo, ObjectKind, ObjectStore } from '../object-store.ts';
import { Layout } from './layout.ts';
import { RemoteUse } from './sparse-packs.ts';

/** Small requests only. */
const REQUESTS = 16;
const MANIFEST_DIGITS = 64;

/** See {@link RemoteGarbageCollector}. */
export class RemoteCollector implements RemoteGarbageCollector {
  readonly #remote: ObjectStore;
  /** Names of layouts whose content was taken into account, and of those that are to go. */
  readonly #known = new Set<string>();
  /** What the layouts of the survey need, and what those name that appeared since. */
  #use = new RemoteUse();
  readonly #added = { manifests: new Set<string>(), packs: new Set<string>() };

  constructor(remote: ObjectStore) {
    this.#remote = remote;
  }

  async survey(needed: ReadonlySet<string>, options: RemoteSurveyOptions): Promise<RemoteGarbagePlan> {
    const oldest = Date.now() - options.graceMs;
    const isYoung = ({ modified }: ObjectInfo): boolean => modified === undefined || modified > oldest;
    const kept = { layouts: 0, manifests: 0, packs: 0, bytes: 0 };
    const keep = (kind: Exclude<ObjectKind, 'runs'>, { size }: ObjectInfo): void => {
      kept[kind] += 1;
      kept.bytes += size;
    };
    const young = new Set<string>();
    const foreign = new Set<string>();
    const noteForeign = (digest: string, info: ObjectInfo): boolean => {
      if (options.own.has(digest)) return false;
      if (!isYoung(info)) foreign.add(digest);
      return true;
    };
    const layouts: DeadObject[] = [];
    const staying: { name: string; isReplaceable: boolean }[] = [];
    for (const info of await this.#list('layouts', options)) {
      const { name } = info.key;
      this.#known.add(name);
      const digest = manifestOf(name);
      if (!needed.has(digest)) {
        if (!noteForeign(digest, info) && !isYoung(info)) {
          layouts.push(dead(info));
          continue;
        }
        if (isYoung(info)) young.add(digest);
      }
      keep('layouts', info);
      // Who has just written a layout may be at work there, and what others call their own is not touched.
      const isReplaceable = needed.has(digest) && options.own.has(digest) && !isYoung(info);
      staying.push({ name, isReplaceable });
    }
    const used = new RemoteUse();
    this.#use = used;
    await this.#read(staying, options.signal, (layout, { name, isReplaceable }) =>
      used.add(layout, name, isReplaceable),
    );
    const manifests: DeadObject[] = [];
    const manifestsThere = new Set<string>();
    for (const info of await this.#list('manifests', options)) {
      manifestsThere.add(info.key.name);
      const digest = digestOf(info.key.name);
      const stays = needed.has(digest) || used.manifests.has(info.key.name) || isYoung(info);
      if (stays || noteForeign(digest, info)) keep('manifests', info);
      else manifests.push(dead(info));
    }
    const listed = await this.#list('packs', options);
    const old = new Set(listed.filter((info) => !isYoung(info)).map(({ key }) => key.name));
    const sizes = new Map(listed.map(({ key, size }) => [key.name, size]));
    const sparse = used.sparse(sizes, {
      isOld: (pack) => old.has(pack),
      isThere: (manifest) => manifestsThere.has(manifest),
    });
    const rewritten = new Set(sparse.map(({ name }) => name));
    const packs: DeadObject[] = [];
    for (const info of listed) {
      const { name } = info.key;
      if (rewritten.has(name)) continue;
      if (used.packs.has(name) || !old.has(name)) keep('packs', info);
      else packs.push(dead(info));
    }
    return { layouts, manifests, packs, sparse, young: [...young], foreign: [...foreign].toSorted(), kept };
  }

  async remove(
    plan: RemoteGarbagePlan,
    { signal }: { signal?: AbortSignal },
  ): Promise<CollectedRemoteGarbage> {
    const done: CollectedRemoteGarbage = { layouts: 0, manifests: 0, packs: 0, repacked: 0, bytes: 0 };
    const count = (kind: 'layouts' | 'manifests' | 'packs' | 'repacked', { size }: DeadObject): void => {
      done[kind] += 1;
      done.bytes += size;
    };
    await this.#remove('layouts', plan.layouts, signal, (each) => count('layouts', each));
    // A push that comes now may write the very same one again.
    for (const { name } of plan.layouts) this.#known.delete(name);
    // Somebody may have pushed since the survey, and found packs there that nothing else needs.
    const added = await this.#lookAgain(signal);
    const manifests = plan.manifests.filter(({ name }) => !added.manifests.has(name));
    const packs = plan.packs.filter(({ name }) => !added.packs.has(name));
    await this.#remove('manifests', manifests, signal, (each) => count('manifests', each));
    await this.#remove('packs', packs, signal, (each) => count('packs', each));
    await this.#assertNothingRelied(new Set([...manifests, ...packs].map(({ name }) => name)), signal);
    // Last, as what goes makes room for the copies.
    const sparse = plan.sparse.filter(({ name }) => !added.packs.has(name));
    if (sparse.length > 0) await this.#repack(sparse, signal, (each) => count('repacked', each));
    return done;
  }

  async #repack(
    sparse: readonly SparsePack[],
    signal: AbortSignal | undefined,
    onRemoved: (pack: DeadObject) => void,
  ): Promise<void> {
    const { RemoteRepack } = await import('./repack-remote.ts');
    const repack = new RemoteRepack(this.#remote, { use: this.#use, sparse, signal });
    const { written, replaced, emptied, problems } = await repack.run();
    for (const name of written) this.#known.add(name);
    await inParallel(replaced, REQUESTS, async (name) => {
      assertNotAborted(signal);
      await this.#remote.delete({ kind: 'layouts', name });
    });
    for (const name of replaced) this.#known.delete(name);
    // Somebody may have pushed meanwhile what the old packs hold a part of.
    const { packs } = await this.#lookAgain(signal);
    const going = emptied.filter(({ name }) => !packs.has(name));
    await this.#remove('packs', going, signal, onRemoved);
    await this.#assertNothingRelied(new Set(going.map(({ name }) => name)), signal);
    if (problems.length === 0) return;
    throw new IntegrityError(
      'REMOTE_OBJECT_DAMAGED',
      `packs of which little is needed were left on the remote as they are: ${problems.join('; ')}; everything else is done`,
      { hint: 'replace what is damaged there, from a clone that has it: mlops push --repair' },
    );
  }

  async #remove(
    kind: ObjectKind,
    objects: readonly DeadObject[],
    signal: AbortSignal | undefined,
    onRemoved: (object: DeadObject) => void,
  ): Promise<void> {
    await inParallel(objects, REQUESTS, async (object) => {
      assertNotAborted(signal);
      if (await this.#remote.delete({ kind, name: object.name })) onRemoved(object);
    });
  }

  async #list(kind: ObjectKind, { signal, onProgress }: SurveyOptions): Promise<ObjectInfo[]> {
    const found: ObjectInfo[] = [];
    for await (const info of this.#remote.list(kind)) {
      assertNotAborted(signal);
      found.push(info);
      onProgress?.({ objects: found.length });
    }
    return found.toSorted((first, second) => (first.key.name < second.key.name ? -1 : 1));
  }

  /** Layouts that were not there at the last look. */
  async #newLayouts(): Promise<{ name: string }[]> {
    const found: { name: string }[] = [];
    for await (const { key } of this.#remote.list('layouts')) {
      if (this.#known.has(key.name)) continue;
      this.#known.add(key.name);
      found.push({ name: key.name });
    }
    return found;
  }

  /** What layouts name that were not there at the survey. @param visit called for those that were not there at the last look either */
  async #lookAgain(
    signal: AbortSignal | undefined,
    visit: (layout: Layout) => void = () => undefined,
  ): Promise<Readonly<Record<'manifests' | 'packs', ReadonlySet<string>>>> {
    await this.#read(await this.#newLayouts(), signal, (layout) => {
      this.#added.manifests.add(layout.manifest);
      for (const { name } of layout.packs) this.#added.packs.add(name);
      visit(layout);
    });
    return this.#added;
  }

  async #read<Named extends { name: string }>(
    layouts: readonly Named[],
    signal: AbortSignal | undefined,
    visit: (layout: Layout, named: Named) => void,
  ): Promise<void> {
    await inParallel(layouts, REQUESTS, async (named) => {
      assertNotAborted(signal);
      const { name } = named;
      visit(Layout.decode(await this.#remote.get({ kind: 'layouts', name }), name), named);
    });
  }

  /** Between the last look and a removal there is a moment in which a push may have asked for a pack and found it. */
  async #assertNothingRelied(removed: ReadonlySet<string>, signal: AbortSignal | undefined): Promise<void> {
    const broken = new Set<string>();
    await this.#lookAgain(signal, ({ manifest, packs }) => {
      const named = [manifest, ...packs.map(({ name }) => name)];
      if (named.some((each) => removed.has(each))) broken.add(digestOf(manifest));
    });
    if (broken.size === 0) return;
    throw new IntegrityError(
      'REMOTE_OBJECT_MISSING',
      `somebody pushed ${[...broken].join(', ')} at the same moment and relied on objects that were removed`,
      { hint: 'whoever pushed it has its bytes: push it again with `mlops push`' },
    );
  }
}

function manifestOf(layout: string): string {
  return digestOf(layout.slice(0, MANIFEST_DIGITS));
}

function dead({ key, size }: ObjectInfo): DeadObject {
  return { name: key.name, size };
}
