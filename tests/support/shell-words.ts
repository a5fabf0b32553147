/**
 * The simple commands of a shell line, each as its words: quotes are honoured, `&&`, `||`, `;` and `|` separate commands, and a
 * redirection ends one. Enough for the examples in the help; expansions stay as they are written.
 */
export function shellWords(line: string): string[][] {
  const commands: string[][] = [[]];
  let redirecting = false;
  for (const [token, double, single] of line.matchAll(
    /"((?:\\.|[^"\\])*)"|'([^']*)'|&&|\|\||[;|]|>>?|[^\s"';|&>]+/g,
  )) {
    if (/^(?:&&|\|\||[;|])$/.test(token)) {
      commands.push([]);
      redirecting = false;
    } else if (/^>>?$/.test(token)) {
      redirecting = true;
    } else if (!redirecting) {
      commands.at(-1)?.push(double?.replaceAll(/\\(.)/g, '$1') ?? single ?? token);
    }
  }
  return commands.filter((words) => words.length > 0);
}
