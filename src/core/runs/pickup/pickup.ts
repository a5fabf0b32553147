import type { MetricPoint } from '../run.ts';

/** What was found in files that a program wrote. */
export interface PickedUp {
  metrics: MetricPoint[];
  params: Map<string, string>;
  /** Absolute paths of files and directories, by their place among the artifacts. */
  artifacts: Map<string, string>;
  /** What could not be used, and why; one line each. */
  problems: string[];
}

export function nothing(): PickedUp {
  return { metrics: [], params: new Map(), artifacts: new Map(), problems: [] };
}

export interface PickupOptions {
  /** Milliseconds since 1970: files that were last written before are of an earlier time, and left alone. */
  since: number;
  /** Milliseconds since 1970: when values were measured that say no time themselves. */
  now: number;
}

/** File systems count time in steps of up to two seconds. */
export const CLOCK_STEP_MS = 2000;

export const PICKUP_LIMITS = {
  files: 10_000,
  /** Bytes of one text file. */
  textBytes: 256 * 1024 * 1024,
  points: 5_000_000,
} as const;
