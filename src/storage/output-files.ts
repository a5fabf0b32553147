/** Files that a person, or the CI server, asked this program to write somewhere outside of `.mlops`. Paths are absolute. */
export interface OutputFiles {
  /**
   * Writes a text so that readers see the old file or the new one; missing directories are made. What is there and no regular file, such
   * as a pipe, is written to as it is.
   * @throws LocalIoError
   */
  write(path: string, text: string): Promise<void>;

  /**
   * Adds text to the end of a file, which is made when it is missing; what it holds is never touched. `make` is told how many bytes the
   * file has and gives what is to be added, or undefined for nothing.
   * @throws LocalIoError; nothing is made then, not even a directory
   */
  append(path: string, make: (size: number) => string | undefined): Promise<void>;
}
