/**
 * SQL's LIKE: `%` stands for any characters or none, `_` for one character (Unicode code point), everything else for itself; there
 * is no escape. With `ignoreCase` both sides are folded to lower case first.
 *
 * No regular expression is built and there is no recursion. After a mismatch only the last `%` has to be tried again, one
 * character further, because an earlier one could gain nothing; so the work is at most the product of both lengths.
 */
export function matchesLike(text: string, pattern: string, { ignoreCase }: { ignoreCase: boolean }): boolean {
  const subject = Array.from(ignoreCase ? text.toLowerCase() : text);
  const wanted = Array.from(ignoreCase ? pattern.toLowerCase() : pattern);
  let at = 0;
  let next = 0;
  let retry: { next: number; at: number } | undefined;
  while (at < subject.length) {
    if (wanted[next] === '%') {
      next += 1;
      retry = { next, at };
    } else if (next < wanted.length && (wanted[next] === '_' || wanted[next] === subject[at])) {
      next += 1;
      at += 1;
    } else if (retry !== undefined) {
      retry.at += 1;
      at = retry.at;
      next = retry.next;
    } else {
      return false;
    }
  }
  return wanted.slice(next).every((character) => character === '%');
}
