import { crypto } from '../../lib/lazy-builtin.ts';

/** `sha256:<64 hex>` of some bytes. */
export function digestOf(bytes: Uint8Array | string): string {
  return `sha256:${crypto().hash('sha256', bytes)}`;
}
