/**
 * `node:crypto`, loaded at the first use: it takes 4 ms of start-up, and a command that finds everything in its index hashes
 * nothing.
 */
export function crypto(): typeof import('node:crypto') {
  return process.getBuiltinModule('node:crypto');
}
