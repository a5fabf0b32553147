import { readReferenceProfile, type ReadReferenceOptions, resolveVersion } from '../../registry/index.ts';
import type { Repository } from '../../repository/repository.ts';
import type { Side } from '../side.ts';
import { parseProfile } from './parse.ts';
import { profileSide } from './side.ts';

export interface VersionProfileOptions extends ReadReferenceOptions {
  /** The secret that hashed levels were made with, as the environment has it. */
  readonly secret: string | undefined;
}

export interface VersionProfile {
  readonly side: Side;
  readonly model: string;
  /** Label of the version. */
  readonly version: string;
}

/**
 * The reference profile of a version as one side of a comparison, fetched from the remote where it is not here.
 *
 * @param reference `<model>`, `<model>@<version or stage>` or the start of a digest
 * @throws UsageError `NO_REFERENCE_PROFILE`; as `resolveVersion`, `readReferenceProfile`, `parseProfile` and `profileSide`
 */
export async function versionProfile(
  repository: Repository,
  reference: string,
  { secret, ...options }: VersionProfileOptions,
): Promise<VersionProfile> {
  const { version } = await resolveVersion(repository, reference);
  const { model, version: label } = version.record;
  const bytes = await readReferenceProfile(repository, version, options);
  const profile = parseProfile(bytes, `the reference profile of ${model}@${label}`);
  return { side: profileSide(profile, { name: reference, secret }), model, version: label };
}
