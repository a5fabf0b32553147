import { errnoOf, InterruptedError, UsageError } from '../errors.ts';
import type { Io } from './context.ts';

export interface OutputStream {
  write(text: string | Uint8Array, done?: (error?: Error | null) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  isTTY?: boolean;
  columns?: number;
}

export interface ProcessIo extends Io {
  /** Waits for what was written to stdout; resolves to the error that stopped it, if one did. EPIPE is none: the reader left. */
  flush(): Promise<Error | undefined>;
}

export interface ProcessIoOptions {
  /**
   * Where answers come from; nothing is asked without it, or when it is no terminal. Opened when it is first asked for: that
   * takes 4 ms, and most commands read nothing.
   */
  openStdin?: () => NodeJS.ReadStream;
  stdout: OutputStream;
  stderr: OutputStream;
  env: Readonly<Record<string, string | undefined>>;
}

const DEFAULT_COLUMNS = 80;

export function createProcessIo({ openStdin, stdout, stderr, env }: ProcessIoOptions): ProcessIo {
  let failure: Error | undefined;
  stdout.on('error', (error) => {
    failure ??= error;
  });
  // Nobody is left to be told.
  stderr.on('error', () => undefined);
  const outIsTTY = stdout.isTTY === true;
  const errIsTTY = stderr.isTTY === true;
  return {
    out: (text) => {
      if (text !== '' && failure === undefined) stdout.write(text);
    },
    err: (text) => void stderr.write(text),
    writeBytes: (stream, bytes) =>
      new Promise((resolve, reject) => {
        const target = stream === 'stdout' ? stdout : stderr;
        target.write(bytes, (error) => (error ? reject(error) : resolve()));
      }),
    outIsTTY,
    errIsTTY,
    outColor: wantsColor(outIsTTY, env),
    errColor: wantsColor(errIsTTY, env),
    columns: outIsTTY ? (stdout.columns ?? DEFAULT_COLUMNS) : Infinity,
    get ask() {
      const stdin = openStdin?.();
      if (stdin?.isTTY !== true) return undefined;
      return (question: string, signal: AbortSignal) => askOn({ stdin, stderr }, { question, signal });
    },
    get input() {
      const stdin = openStdin?.();
      if (stdin?.isTTY === true) return undefined;
      return async () => (stdin === undefined ? '' : readAll(stdin));
    },
    flush: async () => {
      if (failure === undefined) await new Promise<void>((done) => void stdout.write('', () => done()));
      // An error event follows its write's callback by a turn of the loop.
      await new Promise<void>((done) => void setImmediate(done));
      return failure === undefined || errnoOf(failure) === 'EPIPE' ? undefined : failure;
    },
  };
}

/** Far more than Git says to any hook. */
const MAX_INPUT = 64 * 1024 * 1024;

async function readAll(stdin: AsyncIterable<Buffer | string>): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length > MAX_INPUT)
      throw new UsageError('INPUT_TOO_LARGE', `stdin holds more than ${MAX_INPUT} bytes`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** One line from the terminal; the end of input is an empty line. */
async function askOn(
  { stdin, stderr }: { stdin: NodeJS.ReadStream; stderr: OutputStream },
  { question, signal }: { question: string; signal: AbortSignal },
): Promise<string> {
  const { createInterface } = await import('node:readline');
  stderr.write(question);
  const lines = createInterface({ input: stdin });
  try {
    return await new Promise<string>((resolve, reject) => {
      const stop = (): void => reject(new InterruptedError());
      if (signal.aborted) stop();
      signal.addEventListener('abort', stop, { once: true });
      lines.once('line', resolve);
      lines.once('close', () => resolve(''));
    });
  } finally {
    lines.close();
  }
}

/** NO_COLOR (no-color.org) wins over FORCE_COLOR, which wins over what the stream is. An empty NO_COLOR does not count. */
function wantsColor(isTTY: boolean, env: Readonly<Record<string, string | undefined>>): boolean {
  if (env['NO_COLOR'] !== undefined && env['NO_COLOR'] !== '') return false;
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  return isTTY && env['TERM'] !== 'dumb';
}
