import { type MlopsError, UsageError } from '../../../errors.ts';
import { printable } from '../../../lib/terminal-text.ts';

/** A place in a profile, for messages. */
export interface Place {
  at(member: string): Place;
  problem(what: string): UsageError;
  /** The same failure, as one of the file that a person gave. */
  because(error: MlopsError): UsageError;
}

const HINT = 'write it again: mlops profile <data> -o <file>';

/** @param source path or name of the profile */
export function placeIn(source: string, members: readonly string[] = []): Place {
  return {
    at: (member) => placeIn(source, member === '' ? members : [...members, member]),
    problem: (what) =>
      new UsageError('PROFILE_INVALID', `${[source, ...members].join(': ')}: ${printable(what)}`, {
        hint: HINT,
      }),
    because: (error) => new UsageError('PROFILE_INVALID', error.message, { hint: HINT, cause: error }),
  };
}
