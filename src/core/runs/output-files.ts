import type { RunFiles, RunPlace } from '../../storage/run-files.ts';

export type Stream = 'stdout' | 'stderr';

/** Of the bytes that are kept of a stream, this share is its beginning; the rest is its end. */
const HEAD_SHARE = 2;
const SEGMENTS = 2;

/**
 * Writes what a command prints, up to a limit: the beginning into `<stream>.log`, what follows into `<stream>.0.log` and `<stream>.1.log` in turn, each
 * started anew when it is its turn again. So whenever the writer is killed, the beginning and the latest part are there.
 */
export class OutputCapture {
  readonly #files: RunFiles;
  readonly #place: RunPlace;
  readonly #stream: Stream;
  readonly #headBytes: number;
  readonly #segmentBytes: number;
  #head = 0;
  #segment = 0;
  #filled = 0;
  /** Bytes seen in all. */
  written = 0;

  /** @param limit bytes kept at most */
  constructor(files: RunFiles, place: RunPlace, { stream, limit }: { stream: Stream; limit: number }) {
    this.#files = files;
    this.#place = place;
    this.#stream = stream;
    this.#headBytes = Math.floor(limit / HEAD_SHARE);
    this.#segmentBytes = Math.max(1, Math.floor((limit - this.#headBytes) / SEGMENTS));
  }

  /** @throws LocalIoError */
  write(bytes: Uint8Array): void {
    this.written += bytes.length;
    const room = this.#headBytes - this.#head;
    const head = bytes.subarray(0, Math.max(0, room));
    if (head.length > 0) this.#files.appendBytes(this.#place, `${this.#stream}.log`, head);
    this.#head += head.length;
    let rest = bytes.subarray(head.length);
    // Of more than both segments hold, only the end is worth writing.
    const most = this.#segmentBytes * SEGMENTS;
    if (rest.length > most) rest = rest.subarray(rest.length - most);
    while (rest.length > 0) {
      if (this.#filled >= this.#segmentBytes) {
        this.#segment = 1 - this.#segment;
        this.#filled = 0;
      }
      const file = `${this.#stream}.${this.#segment}.log`;
      if (this.#filled === 0) this.#files.removeFile(this.#place, file);
      const piece = rest.subarray(0, this.#segmentBytes - this.#filled);
      this.#files.appendBytes(this.#place, file, piece);
      this.#filled += piece.length;
      rest = rest.subarray(piece.length);
    }
  }
}

/** What is kept of a stream, in order, and in brackets what is not. */
export function readOutput(
  files: RunFiles,
  place: RunPlace,
  { stream, written }: { stream: Stream; written: number | undefined },
): Uint8Array | undefined {
  const head = files.read(place, `${stream}.log`);
  if (head === undefined) return undefined;
  const segments = [0, 1]
    .map((number) => {
      const file = `${stream}.${number}.log`;
      return { bytes: files.read(place, file), modified: files.state(place, file)?.modifiedMs ?? 0, number };
    })
    .flatMap(({ bytes, modified, number }) => (bytes === undefined ? [] : [{ bytes, modified, number }]))
    // The one written last is the end; of two written within one tick of the clock, the one that is not full.
    .toSorted(
      (first, second) => first.modified - second.modified || second.bytes.length - first.bytes.length,
    );
  const [first] = segments;
  if (first === undefined) return head;
  const kept = [head, ...segments.map(({ bytes }) => bytes)];
  const length = kept.reduce((sum, bytes) => sum + bytes.length, 0);
  if (written !== undefined && written <= length) return Buffer.concat(kept);
  // Without the count, the first segment following the head directly can't be told from one that was started anew.
  const missing = written === undefined ? 'some bytes may be' : `${written - length} bytes are`;
  const note = Buffer.from(`\n[... ${missing} left out here ...]\n`);
  return Buffer.concat([head, note, ...segments.map(({ bytes }) => bytes)]);
}
