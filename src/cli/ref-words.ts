import * as z from 'zod';

/**
 * Input of an argument declared as `<ref...>` that names one version: `fraud@v2`, or the two words `fraud v2`, which mean the
 * same. Parses to the one-word form.
 */
export const RefWords = z.array(z.string()).transform((words, context) => {
  const [first, second, ...rest] = words;
  if (first !== undefined && second === undefined) return first;
  if (first === undefined || second === undefined || rest.length > 0) {
    return refuse(context, `expected <model>@<version> or <model> <version>, got ${words.length} words`);
  }
  if (/[@:]/.test(first)) {
    return refuse(context, `"${first}" is already a complete reference; "${second}" is one word too many`);
  }
  return `${first}@${second}`;
});

function refuse(context: z.RefinementCtx, message: string): never {
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
}
