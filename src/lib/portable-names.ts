const ASCII_ONLY = /^[\u0000-\u007f]*$/;
const RESERVED =
  /^(?:con|prn|aux|nul|conin\$|conout\$|clock\$|com[0-9\u00b9\u00b2\u00b3]|lpt[0-9\u00b9\u00b2\u00b3])$/i;
const BIDI = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

/** Two different paths that a folding file system takes for one, or a file that is a directory of the other. */
export interface NameCollision {
  first: string;
  second: string;
}

/**
 * Pairs of paths that can't exist side by side after Unicode NFC and full case folding. Each path is reported once, with
 * the earliest path it collides with; the order is that of `paths`.
 */
export function findCollisions(paths: readonly string[]): NameCollision[] {
  const files = new Map<string, string>();
  const collisions: NameCollision[] = [];
  for (const path of paths) {
    const folded = foldName(path);
    const first = files.get(folded);
    if (first === undefined) files.set(folded, path);
    else collisions.push({ first, second: path });
  }
  // A second pass, because the file may come after the directory that has its name.
  const verdicts = new Map<string, string | undefined>();
  for (const path of paths) {
    const first = fileAbove(foldName(path), files, verdicts);
    if (first !== undefined) collisions.push({ first, second: path });
  }
  return collisions;
}

/** The file whose folded name is a directory of this folded path; `verdicts` remembers the answer of each directory. */
function fileAbove(
  folded: string,
  files: ReadonlyMap<string, string>,
  verdicts: Map<string, string | undefined>,
): string | undefined {
  const slash = folded.lastIndexOf('/');
  if (slash <= 0) return undefined;
  const directory = folded.slice(0, slash);
  if (verdicts.has(directory)) return verdicts.get(directory);
  const verdict = files.get(directory) ?? fileAbove(directory, files, verdicts);
  verdicts.set(directory, verdict);
  return verdict;
}

/** One form for all spellings of a name that a normalising or case-folding file system may take for the same. */
export function foldName(name: string): string {
  if (ASCII_ONLY.test(name)) return name.toLowerCase();
  // Upper case first, so that one-to-many foldings such as "ß" and "ss" meet.
  return name.normalize('NFD').toUpperCase().toLowerCase().normalize('NFC');
}

/** True for device names of Windows (`con`, `NUL.bin`, `com1` ...), alone or before a dot. */
export function isReservedName(name: string): boolean {
  const stem = name.split('.', 1)[0] ?? '';
  return RESERVED.test(stem.trimEnd());
}

/** Why some supported system can't hold a file of this relative path, in words for people; undefined when all can. */
export function portabilityProblem(path: string): string | undefined {
  for (const part of path.split('/')) {
    if (/[\u0000-\u001f\u007f-\u009f]/.test(part)) return 'a name holds a control character';
    if (BIDI.test(part)) return 'a name holds a control character for the direction of text';
    const forbidden = /[:*?"<>|\\]/.exec(part);
    if (forbidden !== null) return `Windows does not allow "${forbidden[0]}" in a name`;
    if (/[. ]$/.test(part)) return 'Windows drops a dot or a space at the end of a name';
    if (isReservedName(part)) return `"${part}" is a device name on Windows`;
  }
  return undefined;
}
