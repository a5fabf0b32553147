import { MlopsError } from '../../errors.ts';
import { distinctBlobs, readManifest, type ArtifactParts } from '../artifact/parts.ts';
import { digestOf } from '../digest.ts';
import { findArtifacts, type RemoteArtifact } from './remote-artifacts.ts';
import type { RemoteBlobs } from './remote-blobs.ts';
import type { RemoteView } from './remote-view.ts';

/** Artifacts that are looked at together; when none of them has a wanted blob, the others probably have none either. */
const AT_ONCE = 8;
/** Artifacts that are looked at for one, at most. */
const MAX_RELATED = 64;

export interface RelatedBlobsOptions {
  parts: ArtifactParts;
  view: RemoteView;
  /** Takes what is found. */
  blobs: RemoteBlobs;
  /** What the remote is known to hold; grows. */
  found: Map<string, RemoteArtifact>;
  isUsable: (pack: string) => boolean;
  /** Hex of the manifests that may share blobs, the likeliest first. */
  relatedTo: (hex: string) => readonly string[];
}

/**
 * Blobs that the remote holds already, learnt from the layouts of artifacts whose manifests are here. Only packs that the remote was
 * asked for in this call count; where in them a blob lies, a remembered layout tells as well as the one there.
 */
export class RelatedBlobs {
  readonly #options: RelatedBlobsOptions;
  readonly #looked = new Set<string>();

  constructor(options: RelatedBlobsOptions) {
    this.#options = options;
  }

  /** Learns from layouts of the artifact itself, as far as their packs are there. */
  async addOwn(artifact: RemoteArtifact, ids: readonly string[]): Promise<void> {
    this.#looked.add(artifact.manifest);
    for (const known of artifact.layouts) {
      const lacking = new Set([...known.missing, ...known.resized].map(({ name }) => name));
      if (lacking.size === known.packs.length) continue;
      const layout = await this.#options.view.layout(known.name);
      if (layout.count !== ids.length) continue;
      this.#options.blobs.addLayout(
        layout,
        ids,
        (pack) => !lacking.has(pack) && this.#options.isUsable(pack),
      );
    }
  }

  /** Learns from related artifacts until every wanted blob is found or the next ones are unlikely to help. */
  async addFor(hex: string, wanted: Set<string>): Promise<void> {
    const { relatedTo, found, blobs } = this.#options;
    const candidates = [...new Set([...relatedTo(hex), ...found.keys()])]
      .filter((candidate) => candidate !== hex && !this.#looked.has(candidate))
      .slice(0, MAX_RELATED);
    for (let start = 0; start < candidates.length && wanted.size > 0; start += AT_ONCE) {
      const before = wanted.size;
      await this.#learn(candidates.slice(start, start + AT_ONCE));
      for (const id of wanted) if (blobs.find(id) !== undefined) wanted.delete(id);
      if (wanted.size === before) return;
    }
  }

  async #learn(candidates: readonly string[]): Promise<void> {
    const { view, found } = this.#options;
    const unknown = candidates.filter((hex) => !found.has(hex));
    const fresh =
      unknown.length === 0
        ? new Map<string, RemoteArtifact>()
        : await findArtifacts(view, unknown, { remembered: true });
    for (const hex of candidates) {
      const artifact = found.get(hex) ?? fresh.get(hex);
      const ids =
        artifact === undefined || artifact.layouts.length === 0 ? undefined : await this.#idsOf(hex);
      if (artifact !== undefined && ids !== undefined) await this.addOwn(artifact, ids);
      this.#looked.add(hex);
    }
  }

  /** Undefined when the manifest is not here or not intact: then there is nothing to learn from it. */
  async #idsOf(hex: string): Promise<string[] | undefined> {
    try {
      return [...distinctBlobs((await readManifest(this.#options.parts.objects, digestOf(hex))).manifest)];
    } catch (error) {
      if (error instanceof MlopsError) return undefined;
      throw error;
    }
  }
}
