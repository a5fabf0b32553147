import { RefusedError } from '../../errors.ts';
import { redactUrl } from '../../lib/redact-url.ts';
import { findSecrets } from '../repository/secrets.ts';
import { shown } from './limits.ts';

/** What stands in the place of a secret. */
export const REDACTED = '***';

/** No key or token is shorter. */
const SHORTEST = 8;
const SECRET_OPTION =
  /^--?[\w-]*(?:secret|token|passw(?:or)?d|passphrase|api[_-]?key|access[_-]?key|private[_-]?key|credential)s?$/i;
/** Options of this trade that hold one of these words and mean something else. */
const HARMLESS_OPTION = /tokeni[sz]|max[_-]?token|num[_-]?token|tokens$/i;
const URL_WITH_USER = /[A-Za-z][A-Za-z0-9+.-]*:\/\/[^\s/?#@]*@\S*/g;

/** Whether a param or a tag looks like a secret. @param allowed fingerprints of texts that are none (`hooks.allowedSecrets`) */
export function looksSecret(key: string, value: string, allowed: readonly string[]): boolean {
  if (value.length < SHORTEST) return false;
  return findSecrets(`${key}: ${value}`).some(({ fingerprint }) => !allowed.includes(fingerprint));
}

/** For what a person types, who can leave it out. @throws RefusedError `SECRET_FOUND` */
export function assertNoSecrets(
  what: string,
  pairs: Iterable<readonly [string, string]>,
  allowed: readonly string[],
): void {
  for (const [key, value] of pairs) {
    if (!looksSecret(key, value, allowed)) continue;
    const [found] = findSecrets(`${key}: ${value}`).filter(
      ({ fingerprint }) => !allowed.includes(fingerprint),
    );
    throw new RefusedError(
      'SECRET_FOUND',
      `the ${what} "${shown(key)}" looks like ${found?.kind ?? 'a secret'}; nothing was logged`,
      {
        hint: `leave it out; if it is no secret: mlops config set hooks.allowedSecrets ${[...allowed, found?.fingerprint].join(',')}`,
      },
    );
  }
}

/** The words of a command line without what may be a secret: values of options that are called so, users in URLs, known tokens. */
export function redactCommand(words: readonly string[], allowed: readonly string[]): string[] {
  return words.map((word, index) => {
    const [, option, value] = /^(--?[\w-]+|[A-Za-z_][\w-]*)=(.*)$/s.exec(word) ?? [];
    if (option !== undefined && value !== undefined && value !== '' && isSecretName(option))
      return `${option}=${REDACTED}`;
    const before = words[index - 1] ?? '';
    if (isSecretName(before) && before.startsWith('-') && !word.startsWith('-')) return REDACTED;
    const plain = word.replaceAll(URL_WITH_USER, (url) => redactUrl(url));
    return looksSecret('', plain, allowed) || looksSecret(before, plain, allowed) ? REDACTED : plain;
  });
}

function isSecretName(name: string): boolean {
  const option = name.startsWith('-') ? name : `--${name}`;
  return SECRET_OPTION.test(option) && !HARMLESS_OPTION.test(option);
}
