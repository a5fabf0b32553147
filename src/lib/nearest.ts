import { distance } from 'fastest-levenshtein';

const LONGEST_COMPARED = 256;
const MOST_NAMED = 3;

export interface SuggestOptions {
  /** What to name, first ones first, when nothing is near; default: the candidates. */
  existing?: readonly string[];
  show?: (candidate: string) => string;
}

/**
 * The candidates that a person who typed `name` most likely meant, best first. Case is ignored; about one edit in three
 * characters is forgiven, and a candidate that starts with what was typed counts as near.
 */
export function nearestNames(name: string, candidates: readonly string[], max = 3): string[] {
  if (name === '' || name.length > LONGEST_COMPARED) return [];
  const typed = name.toLowerCase();
  const threshold = Math.max(1, Math.floor(name.length / 3));
  const near: { candidate: string; edits: number }[] = [];
  for (const candidate of new Set(candidates)) {
    const lower = candidate.slice(0, LONGEST_COMPARED).toLowerCase();
    // Two letters the wrong way round are the commonest slip of all.
    const edits = sameLetters(typed, lower) ? Number(typed !== lower) : distance(typed, lower);
    if (edits <= threshold || (typed.length >= 3 && lower.startsWith(typed))) near.push({ candidate, edits });
  }
  near.sort((a, b) => a.edits - b.edits || (a.candidate < b.candidate ? -1 : 1));
  return near.slice(0, max).map(({ candidate }) => candidate);
}

/**
 * The sentence for a name that does not exist: what was most likely meant, else the first few of what there is.
 * Undefined when there is nothing. `show` turns a candidate into what a person would type.
 */
export function suggestNames(
  name: string,
  candidates: readonly string[],
  { existing = candidates, show = (each) => each }: SuggestOptions = {},
): string | undefined {
  const near = nearestNames(name, candidates);
  if (near.length > 0) return `did you mean ${near.map(show).join(', ')}?`;
  if (existing.length === 0) return undefined;
  const shown = existing.slice(0, MOST_NAMED).map(show).join(', ');
  return `there ${existing.length === 1 ? 'is' : 'are'} ${shown}${existing.length > MOST_NAMED ? ' and more' : ''}`;
}

function sameLetters(left: string, right: string): boolean {
  return left.length === right.length && sorted(left) === sorted(right);
}

function sorted(text: string): string {
  return text.split('').toSorted().join('');
}
