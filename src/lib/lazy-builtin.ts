import type * as nodeCrypto from 'node:crypto';

/**
 * `node:crypto`, loaded at the first use: it takes 4 ms of start-up, and a command that finds everything in its index hashes
 * nothing.
 */
export function crypto(): typeof nodeCrypto {
  return process.getBuiltinModule('node:crypto');
}
