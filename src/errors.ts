/** Process exit codes; `mlops help exit-codes` prints this table and scripts rely on it. */
export const ExitCode = {
  ok: 0,
  no: 1,
  usage: 2,
  integrity: 3,
  refused: 4,
  conflict: 5,
  io: 6,
  remote: 7,
  internal: 70,
  interrupted: 130,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

export interface ErrorOptions {
  /** The next command to type, or what to change, without a trailing period. */
  hint?: string;
  cause?: unknown;
  /** True when the same command may succeed if it is simply run again. */
  retryable?: boolean;
}

/**
 * An error meant for the person at the terminal. Whatever reaches the outermost handler and is not one of these is a
 * bug and is reported with a stack trace.
 */
export class MlopsError extends Error {
  readonly code: string;
  readonly exitCode: ExitCode;
  readonly hint: string | undefined;
  readonly retryable: boolean;

  /**
   * @param code stable, searchable identifier such as `MODEL_NOT_FOUND`
   * @param exitCode one of {@link ExitCode}
   * @param message what happened, naming the path or the name, without a trailing period
   */
  constructor(code: string, exitCode: ExitCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.exitCode = exitCode;
    this.hint = options.hint;
    this.retryable = options.retryable ?? false;
  }
}

/** Exit 2: bad option, malformed input, unknown name, not a repository. */
export class UsageError extends MlopsError {
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(code, ExitCode.usage, message, options);
  }
}

/** Exit 3: bytes or records are not what they should be. */
export class IntegrityError extends MlopsError {
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(code, ExitCode.integrity, message, options);
  }
}

/** Exit 4: the request is understood and not allowed. */
export class RefusedError extends MlopsError {
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(code, ExitCode.refused, message, options);
  }
}

/** Exit 5: somebody else holds the lock, or the state moved or disagrees. */
export class ConflictError extends MlopsError {
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(code, ExitCode.conflict, message, { retryable: true, ...options });
  }
}

/** Exit 6: the local disk, its permissions or its space. */
export class LocalIoError extends MlopsError {
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(code, ExitCode.io, message, options);
  }
}

/** Exit 7: the place that keeps objects elsewhere refused, could not be reached, or kept failing. */
export class RemoteError extends MlopsError {
  /** Milliseconds that the remote asked to be left alone. */
  readonly retryAfterMs: number | undefined;

  constructor(code: string, message: string, options?: ErrorOptions & { retryAfterMs?: number | undefined }) {
    super(code, ExitCode.remote, message, options);
    this.retryAfterMs = options?.retryAfterMs;
  }

  /** The same failure, saying that it came again and again. */
  afterAttempts(attempts: number): RemoteError {
    if (attempts < 2) return this;
    const { code, message, hint, cause, retryable, retryAfterMs } = this;
    return new RemoteError(code, `${message} (${attempts} attempts)`, {
      ...(hint === undefined ? {} : { hint }),
      cause,
      retryable,
      retryAfterMs,
    });
  }
}

/** Exit 130: the person pressed Ctrl-C or the process was asked to end. */
export class InterruptedError extends MlopsError {
  constructor(message = 'interrupted', options?: ErrorOptions) {
    super('INTERRUPTED', ExitCode.interrupted, message, { retryable: true, ...options });
  }
}

/** The `code` of a Node system error (`ENOSPC`, `EACCES` ...), or undefined for any other value. */
export function errnoOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  const { code } = error;
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}
