import { UsageError } from '../../../errors.ts';
import { crypto } from '../../../lib/lazy-builtin.ts';
import type { LabelScheme } from './profile.ts';

/** Hashes the levels of columns so that equal levels of one column have equal hashes, and those of different columns do not. */
export interface LevelHasher {
  readonly scheme: LabelScheme;
  hash(column: string, level: string): string;
}

/** The environment variable that keyed hashes take their secret from. */
export const PROFILE_KEY = 'MLOPS_PROFILE_KEY';

const DIGITS = 24;
const KEY_DIGITS = 16;
/** With the key's fingerprint in the profile, a shorter secret could be found by trying. */
const LEAST_KEY_LENGTH = 16;

/**
 * docs/format.md section 6.5: HMAC-SHA-256 with a secret, SHA-256 without one. Anybody can hash a guess and look whether it is there if there is no secret.
 *
 * @throws UsageError `PROFILE_KEY_INVALID`
 */
export function createLevelHasher(secret: string | undefined): LevelHasher {
  if (secret === undefined) {
    return {
      scheme: { scheme: 'sha256', key: undefined },
      hash: (column, level) => crypto().hash('sha256', message(column, level)).slice(0, DIGITS),
    };
  }
  if (secret.length < LEAST_KEY_LENGTH) {
    throw new UsageError(
      'PROFILE_KEY_INVALID',
      `${PROFILE_KEY} has fewer than ${LEAST_KEY_LENGTH} characters`,
      {
        hint: 'make one: openssl rand -hex 32',
      },
    );
  }
  const keyed = (text: string): string => crypto().createHmac('sha256', secret).update(text).digest('hex');
  return {
    scheme: { scheme: 'hmac-sha256', key: keyed('mlops level key').slice(0, KEY_DIGITS) },
    hash: (column, level) => keyed(message(column, level)).slice(0, DIGITS),
  };
}

/**
 * The hasher that a profile's levels were made with.
 *
 * @throws UsageError `PROFILE_KEY_MISSING`, `PROFILE_KEY_INVALID`
 */
export function hasherFor(
  { scheme, key }: LabelScheme,
  secret: string | undefined,
  source: string,
): LevelHasher {
  if (scheme === 'sha256') return createLevelHasher(undefined);
  if (secret === undefined) {
    throw new UsageError('PROFILE_KEY_MISSING', `${source}: its levels are hashed with a secret`, {
      hint: `set ${PROFILE_KEY} to the secret it was made with`,
    });
  }
  const hasher = createLevelHasher(secret);
  if (hasher.scheme.key === key) return hasher;
  throw new UsageError(
    'PROFILE_KEY_INVALID',
    `${source}: its levels are hashed with another secret than ${PROFILE_KEY}`,
    {
      hint: `set ${PROFILE_KEY} to the secret it was made with`,
    },
  );
}

function message(column: string, level: string): string {
  return `mlops level ${JSON.stringify([column, level])}`;
}
