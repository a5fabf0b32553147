import { basename } from 'node:path';
import { LocalIoError, MlopsError, UsageError } from '../../../errors.ts';
import type { InputFile } from '../text/input-file.ts';

export function malformedParquet(shown: string, what: string): UsageError {
  return new UsageError('TABLE_MALFORMED', `${shown}: ${what}`, {
    hint: 'write the file again with the program it comes from',
  });
}

/** An error of DuckDB, for people. It has no classes of errors; their messages begin with a kind. */
export function explainDuckDb(error: unknown, files: readonly InputFile[]): unknown {
  if (!(error instanceof Error) || error instanceof MlopsError) return error;
  const [, kind = '', first = ''] = /^(?:Error: )?([A-Za-z ]+) Error: ([^\n]*)/.exec(error.message) ?? [];
  if (kind === 'Out of Memory') {
    return new LocalIoError('TABLE_TOO_LARGE', `${namesOf(files)}: ${first.slice(0, 200)}`, {
      hint: 'free some memory or disk space, or compare fewer columns',
      cause: error,
    });
  }
  const about = files.find(
    ({ path }) => error.message.includes(path) || error.message.includes(basename(path)),
  );
  if (kind === '' || kind === 'INTERNAL' || kind === 'Parser' || kind === 'Binder') return error;
  return malformedParquet(
    namesOf(about === undefined ? files : [about]),
    `the file is damaged (${first.slice(0, 200)})`,
  );
}

function namesOf(files: readonly InputFile[]): string {
  const [first, ...others] = files;
  return others.length === 0 ? (first?.shown ?? '') : `${first?.shown ?? ''} or one of ${others.length} more`;
}
