import { UsageError } from '../../errors.ts';
import { printable } from '../../lib/terminal-text.ts';
import { resolveVersion } from '../registry/resolve-version.ts';
import type { Repository } from '../repository/repository.ts';

const DIGITS = /^(?:sha256:)?([0-9a-f]{8,64})$/;

/** The hexadecimal digits of what looks like (the start of) a digest; undefined for what can only be a model. */
export function digestPrefix(text: string): string | undefined {
  return DIGITS.exec(text)?.[1];
}

/**
 * The artifact that a version, or the start of the digest of an artifact that is here, names.
 * @throws UsageError `ARTIFACT_NOT_FOUND`, `REFERENCE_AMBIGUOUS`; and as `resolveVersion`
 */
export async function resolveArtifact(
  repository: Repository,
  reference: string,
): Promise<{ digest: string; name: string }> {
  const prefix = digestPrefix(reference);
  if (prefix === undefined) {
    const { record } = (await resolveVersion(repository, reference)).version;
    return { digest: record.digest, name: `${record.model}@${record.version}` };
  }
  const artifacts = await repository.artifacts();
  const located = await artifacts.garbage().locate(prefix);
  const found = located.filter(({ kind }) => kind === 'manifest').map(({ name }) => `sha256:${name}`);
  const [digest] = found;
  if (digest === undefined) {
    throw new UsageError(
      'ARTIFACT_NOT_FOUND',
      `no artifact here has a digest that starts with ${printable(prefix)}`,
      {
        hint: 'see the digests with `mlops list <model> --json`',
      },
    );
  }
  if (found.length > 1) {
    throw new UsageError('REFERENCE_AMBIGUOUS', `${prefix} could be ${found.slice(0, 5).join(', ')}`, {
      hint: 'give more digits',
    });
  }
  return { digest, name: digest };
}
