import { distance } from 'fastest-levenshtein';

const LONGEST_COMPARED = 256;

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

function sameLetters(left: string, right: string): boolean {
  return left.length === right.length && sorted(left) === sorted(right);
}

function sorted(text: string): string {
  return text.split('').toSorted().join('');
}
