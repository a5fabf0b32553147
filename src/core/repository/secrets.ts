import { digestOf } from './digest.ts';

/** Something that looks like a secret. The text itself is never kept, so that it can't reach a log. */
export interface FoundSecret {
  /** From 1. */
  line: number;
  /** What it looks like, such as "an AWS access key". */
  kind: string;
  /** 16 hexadecimal digits that stand for this text wherever it is found. */
  fingerprint: string;
}

/** Every pattern starts where no letter or digit stands before it, so that no text is looked at many times. */
const TOKENS: readonly (readonly [kind: string, pattern: RegExp])[] = (
  [
    ['an AWS access key', '(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}(?![A-Za-z0-9])'],
    ['a GitHub token', '(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{50,255})'],
    ['a GitLab token', 'gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|oas|soat)-[A-Za-z0-9_.-]{20,255}'],
    ['a Slack token', 'xox[abeoprs]-[A-Za-z0-9-]{10,255}|xapp-[0-9]-[A-Za-z0-9-]{10,255}'],
    ['a Slack webhook', 'hooks\\.slack\\.com/(?:services|workflows)/[A-Za-z0-9/]{20,255}'],
    ['a Hugging Face token', '(?:hf|api_org)_[A-Za-z0-9]{30,255}'],
    ['an OpenAI or Anthropic key', 'sk-(?=[A-Za-z0-9_-]*[0-9])[A-Za-z0-9_-]{20,255}'],
    ['a Stripe key', '[sr]k_live_[A-Za-z0-9]{16,255}'],
    ['a Google API key', 'AIza[A-Za-z0-9_-]{35}'],
    ['a Google OAuth token', 'ya29\\.[A-Za-z0-9_-]{20,1000}|GOCSPX-[A-Za-z0-9_-]{28}'],
    ['an npm token', 'npm_[A-Za-z0-9]{36}'],
    ['a PyPI token', 'pypi-[A-Za-z0-9_-]{50,1000}'],
    ['a SendGrid key', 'SG\\.[A-Za-z0-9_-]{16,64}\\.[A-Za-z0-9_-]{16,64}'],
    ['a Databricks token', 'dapi[0-9a-f]{32}'],
    ['a DigitalOcean token', 'do[opr]_v1_[0-9a-f]{64}'],
    ['an Azure storage key', 'AccountKey=[A-Za-z0-9+/]{40,128}={0,2}'],
    ['a JSON web token', 'eyJ[A-Za-z0-9_-]{8,4096}\\.eyJ[A-Za-z0-9_-]{8,8192}\\.[A-Za-z0-9_-]{8,2048}'],
  ] as const
).map(([kind, source]) => [kind, new RegExp(`(?<![A-Za-z0-9_-])(?:${source})`, 'g')] as const);

const PRIVATE_KEY = /-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----/g;

const SECRET_NAME =
  /secret|token|passw(?:or)?d|passphrase|pwd|api[_-]?key|access[_-]?key|private[_-]?key|auth[_-]?key|account[_-]?key|credential/gi;
/** Words of this trade that hold one of the names above and mean something else. */
const HARMLESS_NAME = /tokeni[sz]|tokens|token_?(?:count|type|length|limit|id|class|embed)|_token_id/i;
/** What may stand between a name and its value, in JSON, YAML, TOML, an environment file or a command line. */
const ASSIGNMENT = /^[A-Za-z0-9_.-]{0,40}\\?["']?\s{0,4}([:=]|=>|\s)\s{0,4}\\?["']?([^\s"'\\,;}\])]{8,400})/;
const PLACEHOLDER =
  /[<>${}*%]|^(?:sha256|s3|https?|file|git):|\.{3}|example|changeme|redacted|placeholder|your[_-]/i;
const NAME_WINDOW = 64;
const VALUE_WINDOW = 512;

/**
 * Looks for what should not be committed: keys and tokens with a known form, private keys, passwords in URLs, and values of high
 * entropy beside a name such as "token". Takes time in proportion to the text, whatever it holds.
 */
export function findSecrets(text: string): FoundSecret[] {
  const found = new Map<string, FoundSecret>();
  const lineOf = lineCounter(text);
  const add = (kind: string, offset: number, secret: string): void => {
    const line = lineOf(offset);
    const fingerprint = digestOf(secret).slice('sha256:'.length, 'sha256:'.length + 16);
    // The most telling kind comes first; one text on one line is one secret.
    if (!found.has(`${line} ${fingerprint}`))
      found.set(`${line} ${fingerprint}`, { line, kind, fingerprint });
  };
  const taken: [number, number][] = [];
  for (const [kind, pattern] of TOKENS) {
    for (const match of text.matchAll(pattern)) {
      add(kind, match.index, match[0]);
      taken.push([match.index, match.index + match[0].length]);
    }
  }
  for (const match of text.matchAll(PRIVATE_KEY)) add('a private key', match.index, privateKey(text, match));
  for (const { offset, password } of urlPasswords(text)) {
    add('a password in a URL', offset, password);
    taken.push([offset, offset + password.length]);
  }
  for (const { offset, value, name } of assignments(text)) {
    if (taken.some(([start, end]) => offset < end && offset + value.length > start)) continue;
    if (looksRandom(value, /pass|pwd|secret/i.test(name)))
      add(`a value beside "${name.toLowerCase()}"`, offset, value);
  }
  return [...found.values()].toSorted((first, second) => first.line - second.line);
}

/** The header alone is the same for every key, and would allow them all. */
function privateKey(text: string, match: RegExpExecArray): string {
  return text.slice(match.index, match.index + 4096).split('-----END')[0] ?? match[0];
}

/** `scheme://user:password@host`; a user name alone is none. */
function* urlPasswords(text: string): Generator<{ offset: number; password: string }> {
  for (let at = text.indexOf('://'); at !== -1; at = text.indexOf('://', at + 3)) {
    if (!/[A-Za-z0-9]/.test(text[at - 1] ?? '')) continue;
    const found = /^([^\s/?#:@"'<>]{0,128}):([^\s/?#@"'<>]{1,256})@[A-Za-z0-9[]/.exec(
      text.slice(at + 3, at + 400),
    );
    const [, user = '', password = ''] = found ?? [];
    if (found === null || PLACEHOLDER.test(password) || /^x+$/i.test(password)) continue;
    yield { offset: at + 3 + user.length + 1, password };
  }
}

function* assignments(text: string): Generator<{ offset: number; value: string; name: string }> {
  for (const match of text.matchAll(SECRET_NAME)) {
    const end = match.index + match[0].length;
    const before =
      /[A-Za-z0-9_.-]*$/.exec(text.slice(Math.max(0, match.index - NAME_WINDOW), match.index))?.[0] ?? '';
    const rest = text.slice(end, end + VALUE_WINDOW);
    const after = /^[A-Za-z0-9_.-]*/.exec(rest)?.[0] ?? '';
    if (HARMLESS_NAME.test(before.slice(-16) + match[0] + after.slice(0, 16))) continue;
    const found = ASSIGNMENT.exec(rest);
    const [, separator = '', value = ''] = found ?? [];
    if (found === null || PLACEHOLDER.test(value)) continue;
    // A blank means so after an option of a command line only.
    if (separator.trim() === '' && !before.startsWith('--')) continue;
    yield { offset: end + found[0].length - value.length, value, name: match[0] };
  }
}

/** A password may be short; a token is long and of letters and digits without a pattern. */
function looksRandom(value: string, password: boolean): boolean {
  const letters = value.match(/[A-Za-z]/g)?.length ?? 0;
  const digits = value.match(/[0-9]/g)?.length ?? 0;
  if (letters < 2 || digits < 1) return false;
  if (password && digits >= 1 && letters >= 3) return !isWords(value) && entropy(value) >= 2.5;
  return digits >= 2 && value.length >= 16 && /[A-Za-z0-9+/=]{12,}/.test(value) && entropy(value) >= 3.2;
}

/** Parts between `-`, `_`, `.` and `/` that are words or numbers, as names of models and files are. */
function isWords(value: string): boolean {
  return value.split(/[-_./:]/).every((part) => /^(?:[A-Za-z]*|[0-9]*|v[0-9]+)$/.test(part));
}

/** Bits a character. */
function entropy(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}

/** Offsets come in any order, and there are few of them. */
function lineCounter(text: string): (offset: number) => number {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  };
}
