/** Anything that JSON can hold; `undefined` members of objects are left out. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined };

/**
 * The one text form of a document: keys sorted by UTF-16 code unit, two spaces, LF, final newline.
 * Equal values give equal bytes, so digests and Git diffs are stable. Written out by hand because
 * `JSON.stringify` moves integer-like keys to the front whatever their order in the object.
 *
 * @throws TypeError for a number that JSON cannot hold (NaN, infinities); the caller encodes those on purpose
 */
export function canonicalJson(value: JsonValue): string {
  return `${render(value, '\n')}\n`;
}

function render(value: JsonValue, lineBreak: string): string {
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new TypeError(`canonical JSON cannot hold ${value}`);
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const inner = `${lineBreak}  `;
  let members = '';
  if (isArray(value)) {
    for (const item of value) members += `${members === '' ? '' : ','}${inner}${render(item, inner)}`;
    return members === '' ? '[]' : `[${members}${lineBreak}]`;
  }
  for (const key of sortedKeys(value)) {
    const member = value[key];
    if (member === undefined) continue;
    members += `${members === '' ? '' : ','}${inner}${quoted(key)}: ${render(member, inner)}`;
  }
  return members === '' ? '{}' : `{${members}${lineBreak}}`;
}

/** No quote, backslash, control character or surrogate: nothing that JSON writes in another way. */
const PLAIN = /^[ !#-[\]-\ud7ff\ue000-\uffff]*$/;

// Documents are tens of thousands of short plain texts, for which JSON.stringify takes five times as long.
function quoted(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}

/** The keys of what was parsed from canonical JSON are sorted already. */
function sortedKeys(value: object): string[] {
  const keys = Object.keys(value);
  for (let index = 1; index < keys.length; index += 1) {
    if ((keys[index - 1] ?? '') > (keys[index] ?? '')) return keys.sort();
  }
  return keys;
}

function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}
