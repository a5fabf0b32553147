import { hash } from 'node:crypto';

/** `sha256:<64 hex>` of some bytes. */
export function digestOf(bytes: Uint8Array | string): string {
  return `sha256:${hash('sha256', bytes)}`;
}
