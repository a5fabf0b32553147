import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { Header } from 'tar';

export interface HostileEntry {
  name: string;
  content?: Uint8Array | string;
  type?: 'File' | 'SymbolicLink' | 'Link' | 'CharacterDevice' | 'BlockDevice' | 'FIFO' | 'Directory';
  linkpath?: string;
  /** What the header claims, when that is not the length of the content. */
  size?: number;
}

const BLOCK = 512;

/** A gzip-compressed tar with exactly these entries, honest or not. */
export function hostileBundle(entries: readonly HostileEntry[]): Buffer {
  const parts: Buffer[] = [];
  for (const { name, content = '', type = 'File', linkpath, size } of entries) {
    const bytes = Buffer.from(content);
    const header = Buffer.alloc(BLOCK);
    const described = { path: name, size: size ?? bytes.length, type, mode: 0o644, mtime: new Date(0) };
    new Header(linkpath === undefined ? described : { ...described, linkpath }).encode(header, 0);
    parts.push(header, bytes, Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK));
  }
  return gzipSync(Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]));
}

export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}
