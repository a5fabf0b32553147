import { IntegrityError } from '../../errors.ts';
import { distinctBlobs } from '../artifact/parts.ts';
import type { Manifest } from '../manifest.ts';
import { assertFits } from './layout-fits.ts';
import type { RemoteBlobs } from './remote-blobs.ts';
import type { RemoteView } from './remote-view.ts';

/** The layouts of a remote that were read in this call. What they tell is added to `blobs`. */
export class LearntLayouts {
  readonly #view: RemoteView;
  readonly #blobs: RemoteBlobs;
  readonly #learnt = new Set<string>();

  constructor(view: RemoteView, blobs: RemoteBlobs) {
    this.#view = view;
    this.#blobs = blobs;
  }

  /**
   * Reads the layouts of an artifact; if none of those names is there any more, as the garbage collector may have put others in
   * their place, it asks for the names once again.
   *
   * @throws IntegrityError when there is none that can be used
   */
  async learn(hex: string, manifest: Manifest, names: readonly string[]): Promise<void> {
    const first = await this.#read(manifest, names);
    if (first === undefined) return;
    const failure =
      first.code === 'OBJECT_MISSING' ? await this.#read(manifest, await this.#namesOf(hex)) : first;
    if (failure === undefined) return;
    if (failure.code === 'OBJECT_DAMAGED')
      throw new IntegrityError('REMOTE_OBJECT_DAMAGED', `on the remote ${failure.message}`);
    throw new IntegrityError(
      'REMOTE_OBJECT_MISSING',
      'the remote does not have all of it: its push did not finish',
    );
  }

  /** Those that were not read, or could not be used. */
  unknownOf(names: readonly string[]): string[] {
    return names.filter((name) => !this.#learnt.has(name));
  }

  /** Reads more layouts of an artifact. True when any of them can be used. */
  async learnMore(manifest: Manifest, names: readonly string[]): Promise<boolean> {
    return (await this.#read(manifest, names)) === undefined;
  }

  async #namesOf(hex: string): Promise<readonly string[]> {
    return (await this.#view.layoutNames([hex])).get(hex) ?? [];
  }

  /** Undefined when one at least was usable. */
  async #read(manifest: Manifest, names: readonly string[]): Promise<IntegrityError | undefined> {
    const ids = distinctBlobs(manifest);
    let failure = new IntegrityError('REMOTE_OBJECT_MISSING', 'there is none');
    let usable = 0;
    for (const name of names) {
      try {
        const layout = await this.#view.layout(name);
        assertFits(layout, manifest, ids);
        this.#blobs.addLayout(layout, ids);
        this.#learnt.add(name);
        usable += 1;
      } catch (error) {
        if (!(error instanceof IntegrityError)) throw error;
        failure = error;
      }
    }
    return usable > 0 ? undefined : failure;
  }
}
