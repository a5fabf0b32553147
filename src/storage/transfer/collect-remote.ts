import { IntegrityError } from '../../errors.ts';
import { assertNotAborted } from '../artifact/walk.ts';
import { digestOf } from '../digest.ts';
import type {
  CollectedRemoteGarbage,
  DeadObject,
  RemoteGarbageCollector,
  RemoteGarbagePlan,
  RemoteSurveyOptions,
  SurveyOptions,
} from '../garbage.ts';
import { inParallel } from '../in-parallel.ts';
import type { ObjectInfo, ObjectKind, ObjectStore } from '../object-store.ts';
import { Layout } from './layout.ts';

/** Small requests only. */
const REQUESTS = 16;
const MANIFEST_DIGITS = 64;

/** See {@link RemoteGarbageCollector}. */
export class RemoteCollector implements RemoteGarbageCollector {
  readonly #remote: ObjectStore;
  /** Names of layouts whose content was taken into account, and of those that are to go. */
  readonly #known = new Set<string>();

  constructor(remote: ObjectStore) {
    this.#remote = remote;
  }

  async survey(needed: ReadonlySet<string>, options: RemoteSurveyOptions): Promise<RemoteGarbagePlan> {
    const oldest = Date.now() - options.graceMs;
    const isYoung = ({ modified }: ObjectInfo): boolean => modified === undefined || modified > oldest;
    const kept = { layouts: 0, manifests: 0, packs: 0, bytes: 0 };
    const keep = (kind: ObjectKind, { size }: ObjectInfo): void => {
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
    const staying: string[] = [];
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
      staying.push(name);
    }
    const used = await this.#usedBy(staying, options.signal);
    const manifests: DeadObject[] = [];
    for (const info of await this.#list('manifests', options)) {
      const digest = digestOf(info.key.name);
      const stays = needed.has(digest) || used.manifests.has(info.key.name) || isYoung(info);
      if (stays || noteForeign(digest, info)) keep('manifests', info);
      else manifests.push(dead(info));
    }
    const packs: DeadObject[] = [];
    for (const info of await this.#list('packs', options)) {
      if (used.packs.has(info.key.name) || isYoung(info)) keep('packs', info);
      else packs.push(dead(info));
    }
    return { layouts, manifests, packs, young: [...young], foreign: [...foreign].toSorted(), kept };
  }

  async remove(
    plan: RemoteGarbagePlan,
    { signal }: { signal?: AbortSignal },
  ): Promise<CollectedRemoteGarbage> {
    const done: CollectedRemoteGarbage = { layouts: 0, manifests: 0, packs: 0, bytes: 0 };
    const remove = async (kind: ObjectKind, objects: readonly DeadObject[]): Promise<void> => {
      await inParallel(objects, REQUESTS, async ({ name, size }) => {
        assertNotAborted(signal);
        if (!(await this.#remote.delete({ kind, name }))) return;
        done[kind] += 1;
        done.bytes += size;
      });
    };
    await remove('layouts', plan.layouts);
    // A push that comes now may write the very same one again.
    for (const { name } of plan.layouts) this.#known.delete(name);
    // Somebody may have pushed since the survey, and found packs there that nothing else needs.
    const added = await this.#usedBy(await this.#newLayouts(), signal);
    const manifests = plan.manifests.filter(({ name }) => !added.manifests.has(name));
    const packs = plan.packs.filter(({ name }) => !added.packs.has(name));
    await remove('manifests', manifests);
    await remove('packs', packs);
    await this.#assertNothingRelied(new Set([...manifests, ...packs].map(({ name }) => name)), signal);
    return done;
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

  /** Names of layouts that were not there at the survey. */
  async #newLayouts(): Promise<string[]> {
    const found: string[] = [];
    for await (const { key } of this.#remote.list('layouts')) {
      if (this.#known.has(key.name)) continue;
      this.#known.add(key.name);
      found.push(key.name);
    }
    return found;
  }

  /** The manifests and packs that layouts name. */
  async #usedBy(
    layouts: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<{ manifests: Set<string>; packs: Set<string> }> {
    const used = { manifests: new Set<string>(), packs: new Set<string>() };
    await inParallel(layouts, REQUESTS, async (name) => {
      assertNotAborted(signal);
      const layout = Layout.decode(await this.#remote.get({ kind: 'layouts', name }), name);
      used.manifests.add(layout.manifest);
      for (const pack of layout.packs) used.packs.add(pack.name);
    });
    return used;
  }

  /** Between the last look and a removal there is a moment in which a push may have asked for a pack and found it. */
  async #assertNothingRelied(removed: ReadonlySet<string>, signal: AbortSignal | undefined): Promise<void> {
    const broken: string[] = [];
    for (const name of await this.#newLayouts()) {
      const { manifests, packs } = await this.#usedBy([name], signal);
      if ([...manifests, ...packs].some((each) => removed.has(each))) broken.push(manifestOf(name));
    }
    if (broken.length === 0) return;
    throw new IntegrityError(
      'REMOTE_OBJECT_MISSING',
      `somebody pushed ${broken.join(', ')} at the same moment and relied on objects that were removed`,
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
