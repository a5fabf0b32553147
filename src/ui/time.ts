import type { Terminal } from './terminal.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const STEPS: readonly (readonly [number, string])[] = [
  [365 * DAY, 'year'],
  [30 * DAY, 'month'],
  [DAY, 'day'],
  [HOUR, 'hour'],
  [MINUTE, 'minute'],
];

/** An RFC 3339 time for people: `3 hours ago` on a terminal, unchanged anywhere else, where a script may read it. */
export function formatTime(time: string, { isTTY, now }: Pick<Terminal, 'isTTY' | 'now'>): string {
  const then = Date.parse(time);
  if (!isTTY || Number.isNaN(then)) return time;
  const age = now.getTime() - then;
  // A clock that runs ahead of ours; a minute is what clocks may differ by.
  if (age < -MINUTE) return time;
  for (const [length, unit] of STEPS) {
    const count = Math.floor(age / length);
    if (count >= 1) return `${count} ${unit}${count === 1 ? '' : 's'} ago`;
  }
  return 'just now';
}

/** Milliseconds as `12s`, `3m 05s`, `2h 07m`. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / SECOND));
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m ${String(seconds % 60).padStart(2, '0')}s`;
  return `${Math.floor(minutes / 60)}h ${String(minutes % 60).padStart(2, '0')}m`;
}
