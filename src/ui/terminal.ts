/** What a renderer may know of the terminal it writes for. */
export interface Terminal {
  isTTY: boolean;
  color: boolean;
  /** Width in characters; Infinity when it is no terminal. */
  columns: number;
  now: Date;
}
