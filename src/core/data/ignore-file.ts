/** Rules of `.gitignore` files, one for each tracked path, in the file beside it. */

/** A rule as `ignoreRuleOf` makes them, without its line ending. */
const PATH_RULE = /^\/[^/]+$/;

/** The marks that Git puts around the sides of a conflict. */
const MARK = /^(<|\||=|>)\1{6}(?: |$)/;

type Side = 'ours' | 'base' | 'theirs' | undefined;

/** What follows a mark, and what has to lie before it. */
const SIDES: Readonly<Record<string, { before: readonly Side[]; next: Side }>> = {
  '<': { before: [undefined], next: 'ours' },
  '|': { before: ['ours'], next: 'base' },
  '=': { before: ['ours', 'base'], next: 'theirs' },
  '>': { before: ['theirs'], next: undefined },
};

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

/**
 * The file with the rule in it, everything else byte for byte as it was; undefined when the rule is there already. It goes to its
 * sorted place among the rules of paths at the end of the file: two branches that add different ones seldom touch the same
 * line, and no rule above or between them can take it back.
 */
export function withRule(bytes: Uint8Array | undefined, rule: string): Uint8Array | undefined {
  const text = textOf(bytes);
  const line = Buffer.from(rule).toString('latin1');
  const lines = linesOf(text);
  if (lines.some((each) => bare(each) === line)) return undefined;
  const ending = text.includes('\r\n') ? '\r\n' : '\n';
  const block = lines.findLastIndex((each) => !PATH_RULE.test(bare(each))) + 1;
  const next = lines.findIndex((each, index) => index >= block && bare(each) > line);
  const before = lines.slice(0, next === -1 ? lines.length : next).join('');
  const start = before === '' || before.endsWith('\n') ? before : before + ending;
  return Buffer.from(`${start}${line}${ending}${text.slice(before.length)}`, 'latin1');
}

/** Whether a merge left its marks in the file. */
export function isConflicted(bytes: Uint8Array | undefined): boolean {
  return linesOf(textOf(bytes)).some((line) => /^[<>]/.test(line) && MARK.test(bare(line)));
}

/**
 * The file after a merge in which both sides changed rules of paths: without Git's marks, and with the rules of either side, sorted.
 * Undefined when there is no conflict, or one about anything else, which is for a person to settle.
 */
export function withoutConflict(bytes: Uint8Array | undefined): Uint8Array | undefined {
  if (!isConflicted(bytes)) return undefined;
  const kept: string[] = [];
  const rules = new Map<string, string>();
  let side: Side;
  for (const line of linesOf(textOf(bytes))) {
    const mark = MARK.exec(bare(line))?.[1];
    if (mark === undefined) {
      if (side === undefined) kept.push(line);
      else if (!PATH_RULE.test(bare(line))) return undefined;
      else if (side !== 'base') rules.set(bare(line), line);
      continue;
    }
    const step = SIDES[mark];
    if (step === undefined || !step.before.includes(side)) return undefined;
    side = step.next;
    if (side !== undefined) continue;
    kept.push(...[...rules.values()].toSorted());
    rules.clear();
  }
  return side === undefined ? Buffer.from(kept.join(''), 'latin1') : undefined;
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
