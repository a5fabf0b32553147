import { InterruptedError, ExitCode, LocalIoError } from '../errors.ts';
import { processHost } from './context.ts';
import { main } from './main.ts';
import { VERSION } from './version.ts';

/** Runs the command line of this process and resolves to its exit code. */
export async function runProcess(): Promise<number> {
  const controller = new AbortController();
  const stopListening = onInterrupt(() => controller.abort(new InterruptedError()));
  const { host, argv } = processHost(controller.signal);
  try {
    const code = await main(argv, host);
    const failure = await host.io.flush();
    if (failure === undefined) return code;
    const { reportError } = await import('./report-error.ts');
    const error = new LocalIoError('IO_FAILED', `stdout: ${failure.message}`, { cause: failure });
    reportError(error, {
      io: host.io,
      json: argv.includes('--json'),
      signal: controller.signal,
      version: VERSION,
    });
    return ExitCode.io;
  } finally {
    stopListening();
  }
}

/** The first signal asks the command to stop; a second one ends the process at once, as if nobody listened. */
function onInterrupt(abort: () => void): () => void {
  const signals = ['SIGINT', 'SIGTERM'] as const;
  const stop = (): void => {
    for (const name of signals) process.removeListener(name, listener);
  };
  const listener = (): void => {
    stop();
    abort();
  };
  for (const name of signals) process.on(name, listener);
  return stop;
}

export { main };
