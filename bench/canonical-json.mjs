/** The one text form of a document: docs/format.md section 3. Members without a value are left out. */
export function canonicalJson(value) {
  return `${render(value, '\n')}\n`;
}

function render(value, lineBreak) {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const inner = `${lineBreak}  `;
  const isArray = Array.isArray(value);
  const parts = isArray
    ? value.map((item) => render(item, inner))
    : Object.keys(value)
        .toSorted()
        .filter((key) => value[key] !== undefined)
        .map((key) => `${JSON.stringify(key)}: ${render(value[key], inner)}`);
  const [open, close] = isArray ? '[]' : '{}';
  return parts.length === 0 ? open + close : `${open}${inner}${parts.join(`,${inner}`)}${lineBreak}${close}`;
}
