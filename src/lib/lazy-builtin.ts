import type * as nodeCrypto from 'node:crypto';
import type * as nodeThreads from 'node:worker_threads';

/**
 * `node:crypto`, loaded at the first use: it takes 4 ms of start-up, and a command that finds everything in its index hashes
 * nothing.
 */
export function crypto(): typeof nodeCrypto {
  return process.getBuiltinModule('node:crypto');
}

/** `node:worker_threads`, for the same reason. */
export function threads(): typeof nodeThreads {
  return process.getBuiltinModule('node:worker_threads');
}
