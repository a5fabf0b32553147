/** Rules of `.gitignore` files, one for each tracked path, in the file beside it. */

/** The `.gitignore` beside a path, relative to the Git root. */
export function ignoreFileOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1) + '.gitignore';
}

/** The rule that ignores exactly this path: of its own directory, and with what Git would take for a pattern escaped. */
export function ignoreRuleOf(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const escaped = name.replace(/[\\*?[]/g, '\\$&').replace(/ +$/, (spaces) => '\\ '.repeat(spaces.length));
  return `/${escaped}`;
}

/** The file with the rule at its end, everything else byte for byte as it was; undefined when the rule is there already. */
export function withRule(bytes: Uint8Array | undefined, rule: string): Uint8Array | undefined {
  const text = textOf(bytes);
  const line = Buffer.from(rule).toString('latin1');
  if (linesOf(text).some((each) => bare(each) === line)) return undefined;
  const ending = text.includes('\r\n') ? '\r\n' : '\n';
  const start = text === '' || text.endsWith('\n') ? text : text + ending;
  return Buffer.from(`${start}${line}${ending}`, 'latin1');
}

/** The file without the rule; undefined when it is not there. */
export function withoutRule(bytes: Uint8Array | undefined, rule: string): Uint8Array | undefined {
  const line = Buffer.from(rule).toString('latin1');
  const lines = linesOf(textOf(bytes));
  const kept = lines.filter((each) => bare(each) !== line);
  return kept.length === lines.length ? undefined : Buffer.from(kept.join(''), 'latin1');
}

/** One character a byte, so that what is no UTF-8 stays as it is. */
function textOf(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? '' : Buffer.from(bytes).toString('latin1');
}

/** Each with its line ending. */
function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

function bare(line: string): string {
  return line.replace(/\r?\n$/, '');
}
