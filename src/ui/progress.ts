import { formatBytes } from './bytes.ts';
import { formatDuration } from './time.ts';
import { printable } from '../lib/terminal-text.ts';

export interface ProgressOptions {
  label: string;
  unit: 'bytes' | 'items';
  /** False where nobody watches: no terminal, `--quiet`, `--json`. */
  enabled: boolean;
  write(text: string): void;
  /** A clock in milliseconds that never goes back. */
  elapsed(): number;
}

export interface ProgressBar {
  update(done: number, total: number | undefined): void;
  stop(): void;
}

const APPEARS_AFTER_MS = 1000;
const REDRAW_MS = 100;
const BAR_WIDTH = 20;
const CLEAR_LINE = '\r\u001b[K';

/**
 * One line that redraws itself: label, bar, share, amount, rate and remaining time. It appears only after a second and is drawn at
 * most ten times a second, from within `update`, so no timer keeps the process alive.
 */
export function createProgress(options: ProgressOptions): ProgressBar {
  if (!options.enabled) return { update: () => undefined, stop: () => undefined };
  const started = options.elapsed();
  let nextDraw = started + APPEARS_AFTER_MS;
  let drawn = false;
  return {
    update(done, total) {
      const now = options.elapsed();
      if (now < nextDraw) return;
      nextDraw = now + REDRAW_MS;
      drawn = true;
      options.write(`${CLEAR_LINE}${renderProgress({ ...options, done, total, ms: now - started })}`);
    },
    stop() {
      if (drawn) options.write(CLEAR_LINE);
      drawn = false;
      nextDraw = Infinity;
    },
  };
}

interface ProgressState {
  label: string;
  unit: 'bytes' | 'items';
  done: number;
  total: number | undefined;
  /** Time since the start. */
  ms: number;
}

export function renderProgress({ label, unit, done, total, ms }: ProgressState): string {
  const amount = (value: number): string =>
    unit === 'bytes' ? formatBytes(value) : String(Math.round(value));
  const rate = ms > 0 ? (done / ms) * 1000 : 0;
  const speed = `${amount(rate)}/s`;
  const name = printable(label);
  if (total === undefined || total <= 0) return `${name} ${amount(done)}  ${speed}`;
  const share = Math.min(1, done / total);
  const filled = Math.round(share * BAR_WIDTH);
  const bar = `[${'#'.repeat(filled)}${'.'.repeat(BAR_WIDTH - filled)}]`;
  const percent = `${Math.floor(share * 100)}%`.padStart(4);
  const left = rate > 0 ? `  ${formatDuration(((total - Math.min(done, total)) / rate) * 1000)} left` : '';
  return `${name} ${bar} ${percent}  ${amount(done)} of ${amount(total)}  ${speed}${left}`;
}
