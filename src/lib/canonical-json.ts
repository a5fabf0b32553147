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
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new TypeError(`canonical JSON cannot hold ${value}`);
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const inner = `${lineBreak}  `;
  if (isArray(value)) {
    if (value.length === 0) return '[]';
    return `[${inner}${value.map((item) => render(item, inner)).join(`,${inner}`)}${lineBreak}]`;
  }
  const members: string[] = [];
  for (const key of Object.keys(value).toSorted()) {
    const member = value[key];
    if (member !== undefined) members.push(`${JSON.stringify(key)}: ${render(member, inner)}`);
  }
  return members.length === 0 ? '{}' : `{${inner}${members.join(`,${inner}`)}${lineBreak}}`;
}

function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}
