import {
  ConflictError,
  IntegrityError,
  LocalIoError,
  MlopsError,
  RefusedError,
  UsageError,
} from '../../errors.ts';

/** The status that MLflow's clients expect with each of its error codes. */
const STATUS = {
  BAD_REQUEST: 400,
  DATA_LOSS: 409,
  ENDPOINT_NOT_FOUND: 404,
  INTERNAL_ERROR: 500,
  INVALID_PARAMETER_VALUE: 400,
  INVALID_STATE: 400,
  NOT_IMPLEMENTED: 501,
  PERMISSION_DENIED: 403,
  RESOURCE_ALREADY_EXISTS: 400,
  RESOURCE_CONFLICT: 409,
  RESOURCE_DOES_NOT_EXIST: 404,
  TEMPORARILY_UNAVAILABLE: 503,
  UNAUTHENTICATED: 401,
} as const;

export type MlflowErrorCode = keyof typeof STATUS;

/** An answer of MLflow's protocol that says no: `{"error_code", "message"}` with a status. */
export class MlflowError extends Error {
  override readonly name = 'MlflowError';
  readonly errorCode: MlflowErrorCode;
  readonly status: number;

  constructor(
    errorCode: MlflowErrorCode,
    message: string,
    { status, cause }: { status?: number; cause?: unknown } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.errorCode = errorCode;
    this.status = status ?? STATUS[errorCode];
  }
}

export function invalid(message: string): MlflowError {
  return new MlflowError('INVALID_PARAMETER_VALUE', message);
}

export function notFound(message: string): MlflowError {
  return new MlflowError('RESOURCE_DOES_NOT_EXIST', message);
}

/** Codes of this program whose meaning in the protocol is not that of their class. */
const CODES: ReadonlyMap<string, MlflowErrorCode> = new Map([
  ['ARTIFACT_NOT_FOUND', 'RESOURCE_DOES_NOT_EXIST'],
  ['EXPERIMENT_EXISTS', 'RESOURCE_ALREADY_EXISTS'],
  ['EXPERIMENT_NOT_FOUND', 'RESOURCE_DOES_NOT_EXIST'],
  ['LOCKED', 'TEMPORARILY_UNAVAILABLE'],
  ['LOGGED_MODEL_NOT_FOUND', 'RESOURCE_DOES_NOT_EXIST'],
  ['MODEL_EXISTS', 'RESOURCE_ALREADY_EXISTS'],
  ['MODEL_NOT_FOUND', 'RESOURCE_DOES_NOT_EXIST'],
  ['OBJECTS_COLLECTED', 'TEMPORARILY_UNAVAILABLE'],
  ['PARAM_EXISTS', 'INVALID_PARAMETER_VALUE'],
  ['RUN_EXISTS', 'RESOURCE_ALREADY_EXISTS'],
  ['RUN_NOT_FOUND', 'RESOURCE_DOES_NOT_EXIST'],
  ['STAGE_EMPTY', 'RESOURCE_DOES_NOT_EXIST'],
  ['TAG_NOT_FOUND', 'RESOURCE_DOES_NOT_EXIST'],
  ['UNSAFE_PATH', 'INVALID_PARAMETER_VALUE'],
  ['VERSION_HELD', 'INVALID_STATE'],
  ['VERSION_NOT_FOUND', 'RESOURCE_DOES_NOT_EXIST'],
]);

/**
 * What an error of this program is in the protocol. Clients try again for minutes after a 5xx, so only what may pass has one. An error
 * that is a bug says nothing of itself to the client.
 */
export function toMlflowError(error: unknown): MlflowError {
  if (error instanceof MlflowError) return error;
  if (!(error instanceof MlopsError))
    return new MlflowError('INTERNAL_ERROR', 'internal error; the server says more', { cause: error });
  const { message, hint } = error;
  const text = hint === undefined ? message : `${message}; ${hint}`;
  return new MlflowError(CODES.get(error.code) ?? codeOfClass(error), text, { cause: error });
}

function codeOfClass(error: MlopsError): MlflowErrorCode {
  if (error instanceof UsageError) return 'INVALID_PARAMETER_VALUE';
  if (error instanceof RefusedError) return 'PERMISSION_DENIED';
  if (error instanceof ConflictError) return 'RESOURCE_CONFLICT';
  if (error instanceof IntegrityError) return 'DATA_LOSS';
  if (error instanceof LocalIoError) return 'INTERNAL_ERROR';
  return 'INTERNAL_ERROR';
}
