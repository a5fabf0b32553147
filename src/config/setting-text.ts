import { UsageError } from '../errors.ts';
import type { JsonValue } from '../lib/canonical-json.ts';
import { printable } from '../lib/terminal-text.ts';
import { lowerFirst } from './issues.ts';
import type { Setting } from './schema.ts';

/**
 * The value of a setting as typed: `true`, `12.5`, `staging,production`.
 *
 * @param name the setting or variable to put into the error message
 * @throws UsageError `CONFIG_INVALID`
 */
export function parseText(setting: Setting, text: string, name: string): JsonValue {
  const result = setting.schema.safeParse(fromText(setting.kind, text.trim()));
  if (result.success) return result.data as JsonValue;
  const reasons = result.error.issues.map((issue) => lowerFirst(issue.message));
  throw new UsageError(
    'CONFIG_INVALID',
    `${name}: "${printable(text)}": ${[...new Set(reasons)].join('; ')}`,
    {
      hint: `${name} is ${KINDS[setting.kind]}`,
    },
  );
}

const KINDS = {
  boolean: 'true or false',
  number: 'a number',
  list: 'a list with commas between its elements',
  name: 'a name',
} as const;

const WORDS: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  on: true,
  '1': true,
  false: false,
  no: false,
  off: false,
  '0': false,
};

function fromText(kind: Setting['kind'], text: string): unknown {
  if (kind === 'list') return text === '' ? [] : text.split(',').map((element) => element.trim());
  if (kind === 'number') return text === '' ? text : Number(text);
  if (kind === 'name') return text;
  const word = text.toLowerCase();
  return Object.hasOwn(WORDS, word) ? WORDS[word] : text;
}
