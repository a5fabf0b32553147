import { isAscii } from 'node:buffer';
import { digestOf } from './digest.ts';

const LINE_FEED = 10;
const MAX_HEADER_BYTES = 4096;

interface Header {
  version: string;
  /** Of all bytes after the header's line. */
  digest: string;
  lengths: number[];
}

/**
 * Several runs of bytes as one file: a line of JSON that says what follows and what its digest is, then the runs, one after
 * another. Made for indexes of megabytes, of which JSON would take longer to read than the rest of a command.
 *
 * @param version names the form of the sections, and what they were made from
 */
export function encodeIndexFile(version: string, sections: readonly Uint8Array[]): Uint8Array {
  const body = Buffer.concat(sections);
  const header: Header = {
    version,
    digest: digestOf(body),
    lengths: sections.map(({ length }) => length),
  };
  return Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), body]);
}

/**
 * The sections, exactly as they were written: undefined for a file of another version, a torn one, or one of which a bit
 * is another than it was.
 */
export function decodeIndexFile(version: string, bytes: Uint8Array): Buffer[] | undefined {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const end = file.subarray(0, MAX_HEADER_BYTES).indexOf(LINE_FEED);
  if (end === -1) return undefined;
  try {
    const header = JSON.parse(file.toString('utf8', 0, end)) as Partial<Header> | null;
    if (header?.version !== version || !isLengths(header.lengths)) return undefined;
    const body = file.subarray(end + 1);
    if (header.lengths.reduce((sum, length) => sum + length, 0) !== body.length) return undefined;
    if (header.digest !== digestOf(body)) return undefined;
    let offset = 0;
    return header.lengths.map((length) => body.subarray(offset, (offset += length)));
  } catch {
    return undefined;
  }
}

function isLengths(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((length) => Number.isSafeInteger(length) && length >= 0);
}

/** The text of a section. Nearly all of it is ASCII, which V8 takes over as it is. */
export function textOf(section: Buffer | undefined): string {
  if (section === undefined) throw new TypeError('a section is missing');
  return section.toString(isAscii(section) ? 'latin1' : 'utf8');
}
