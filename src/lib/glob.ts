/**
 * Matches a path with `/` against a glob: `*` and `?` stay inside one part, `**` crosses parts, everything else is literal.
 * A glob without `/` is tried on the last part as well, as in .gitignore. Runs in O(glob x path), whatever the glob.
 */
export function matchesGlob(glob: string, path: string): boolean {
  if (!glob.includes('/') && matchParts([glob], [path.slice(path.lastIndexOf('/') + 1)])) return true;
  return matchParts(glob.split('/'), path.split('/'));
}

/** Dynamic programming over parts: `reachable[j]` says that the glob so far matches the first j parts of the path. */
function matchParts(glob: readonly string[], path: readonly string[]): boolean {
  let reachable = path.map(() => false);
  reachable.unshift(true);
  for (const part of glob) {
    if (part === '**') {
      const first = reachable.indexOf(true);
      reachable = reachable.map((_, index) => first !== -1 && index >= first);
    } else {
      reachable = reachable.map((_, index) => {
        const name = path[index - 1];
        return name !== undefined && reachable[index - 1] === true && matchPart(part, name);
      });
    }
  }
  return reachable.at(-1) === true;
}

/** Greedy matching with one point to come back to, which is enough for `*` and `?` and never blows up. */
function matchPart(glob: string, name: string): boolean {
  let at = 0;
  let star = -1;
  let resume = 0;
  for (let index = 0; index < name.length;) {
    if (at < glob.length && glob[at] === '*') {
      star = at;
      resume = index;
      at += 1;
    } else if (at < glob.length && (glob[at] === '?' || glob[at] === name[index])) {
      at += 1;
      index += 1;
    } else if (star !== -1) {
      resume += 1;
      index = resume;
      at = star + 1;
    } else {
      return false;
    }
  }
  return /^\*{0,}$/.test(glob.slice(at));
}
