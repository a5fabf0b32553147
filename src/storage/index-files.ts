/**
 * Keeps things that can be made again at any time. Nothing here fails: what can't be read is absent, what can't be written
 * is not kept. Names are `<directory>/<name>` of hexadecimal digits and lower-case letters.
 */
export interface IndexFiles {
  list(directory: string): string[];
  read(name: string): Buffer<ArrayBuffer> | undefined;
  write(name: string, bytes: Uint8Array): void;
  remove(name: string): void;
}

export class MemoryIndexFiles implements IndexFiles {
  readonly #files = new Map<string, Buffer<ArrayBuffer>>();

  list(directory: string): string[] {
    const prefix = `${directory}/`;
    return [...this.#files.keys()]
      .filter((name) => name.startsWith(prefix))
      .map((name) => name.slice(prefix.length));
  }

  read(name: string): Buffer<ArrayBuffer> | undefined {
    return this.#files.get(name);
  }

  write(name: string, bytes: Uint8Array): void {
    this.#files.set(name, Buffer.from(bytes));
  }

  remove(name: string): void {
    this.#files.delete(name);
  }
}
