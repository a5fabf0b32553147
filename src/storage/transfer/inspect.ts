import type { RemoteState, TransferOptions } from '../artifact-transfer.ts';
import { digestOf, hexOf } from '../digest.ts';
import type { IndexFiles } from '../index-files.ts';
import type { ObjectStore } from '../object-store.ts';
import { TransferGate } from './gate.ts';
import {
  compareManifests,
  completeLayout,
  findArtifacts,
  isDamaged,
  missingPaths,
} from './remote-artifacts.ts';
import { RemoteView } from './remote-view.ts';

/** See `ArtifactTransfer.inspect`. */
export async function inspect(
  { remote, local, files }: { remote: ObjectStore; local: ObjectStore; files: IndexFiles },
  digests: readonly string[],
  options: TransferOptions,
): Promise<readonly RemoteState[]> {
  const view = new RemoteView({ remote, files, gate: new TransferGate(options, remote) });
  const found = await findArtifacts(view, [...new Set(digests.map(hexOf))]);
  await compareManifests({ view, local }, found);
  return digests.map((digest): RemoteState => {
    const artifact = found.get(hexOf(digest));
    if (artifact === undefined || (artifact.layouts.length === 0 && artifact.damaged.length === 0))
      return { digest, state: 'absent', missing: [] };
    const complete = completeLayout(artifact) !== undefined;
    return {
      digest: digestOf(artifact.manifest),
      state: complete ? 'complete' : isDamaged(artifact) ? 'damaged' : 'incomplete',
      missing: complete ? [] : missingPaths(artifact),
    };
  });
}
