import type * as z from 'zod';
import { nearestNames } from '../lib/nearest.ts';
import { printable } from '../lib/terminal-text.ts';

export interface IssueWords {
  /** The keys that the object at a path may have, the root being the empty path. */
  allowedKeys(path: readonly string[]): readonly string[];
  /** What is to be said of a key that may not be there, in place of the usual; undefined for the usual. */
  aboutKey?(path: readonly string[], key: string): string | undefined;
}

/** What is wrong with a file of settings, one problem a line, each with its path; a key that is not allowed with the nearest one. */
export function describeIssues(error: z.ZodError, words: IssueWords): string[] {
  return error.issues.flatMap((issue) => describeIssue(issue, [], words));
}

function describeIssue(issue: z.core.$ZodIssue, parent: readonly string[], words: IssueWords): string[] {
  const path = [...parent, ...issue.path.map(String)];
  if (issue.code === 'invalid_union') {
    return meantOption(issue.errors).flatMap((inner) => describeIssue(inner, path, words));
  }
  if (issue.code !== 'unrecognized_keys') {
    return [`${printable(path.join('.')) || 'the file'}: ${lowerFirst(issue.message)}`];
  }
  const allowed = words.allowedKeys(path);
  return issue.keys.map((key) => {
    const special = words.aboutKey?.(path, key);
    if (special !== undefined) return special;
    const [near] = nearestNames(key, allowed, 1);
    const guess = near === undefined ? '' : `, did you mean "${near}"?`;
    const name = printable([...path, key].join('.'));
    return `${name}: unknown key${guess} (allowed: ${allowed.join(', ')})`;
  });
}

/** Of what may be written in several forms, the problems of the form that was written: the one that is not wrong as a whole. */
function meantOption(options: readonly z.core.$ZodIssue[][]): readonly z.core.$ZodIssue[] {
  return options.find(([first]) => first !== undefined && first.path.length > 0) ?? options.at(-1) ?? [];
}

export function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
