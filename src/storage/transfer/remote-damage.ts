import { IntegrityError } from '../../errors.ts';
import { objectPath } from '../object-errors.ts';
import { damagedManifests, type RemoteArtifact } from './remote-artifacts.ts';

/**
 * What is wrong there and keeps an artifact from being pushed, in words. A damaged layout is no reason, as the artifact may get another
 * one.
 */
export function damageInTheWay(artifact: RemoteArtifact): string[] {
  const resized = artifact.layouts.flatMap((layout) => layout.resized);
  return [
    ...damagedManifests(artifact).map(({ problem }) => problem),
    ...resized.map(
      ({ name, size }) => `${objectPath({ kind: 'packs', name })} on the remote has not its ${size} bytes`,
    ),
  ];
}

/**
 * Nothing of the artifact that was read there is damaged, or not this layout.
 * @throws IntegrityError `REMOTE_OBJECT_DAMAGED`
 */
export function assertUndamaged({ damaged }: RemoteArtifact, layout?: string): void {
  const bad = damaged.find(({ key }) => layout === undefined || key.name === layout);
  if (bad !== undefined) throw new IntegrityError('REMOTE_OBJECT_DAMAGED', `on the remote ${bad.problem}`);
}

/** Of damaged layouts beside a good one; nobody needs them, but somebody should know. */
export function warnOfLayouts({ damaged }: RemoteArtifact, warn: (message: string) => void): void {
  for (const { problem } of damaged)
    warn(`on the remote ${problem}; there is a good one beside it (mlops push --repair removes it)`);
}
