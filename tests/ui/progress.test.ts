import { describe, expect, test } from 'vitest';
import { createProgress, renderProgress, type ProgressBar } from '../../src/ui/progress.ts';

interface Watched {
  bar: ProgressBar;
  written: string[];
  /** Moves the clock on. */
  wait(ms: number): void;
}

function watched(enabled = true): Watched {
  const written: string[] = [];
  let clock = 5000;
  const bar = createProgress({
    label: 'storing',
    unit: 'bytes',
    enabled,
    write: (text) => written.push(text),
    elapsed: () => clock,
  });
  return { bar, written, wait: (ms) => (clock += ms) };
}

const MIB = 1024 ** 2;

describe('createProgress', () => {
  test('work of less than a second shows nothing and clears nothing', () => {
    const { bar, written, wait } = watched();
    bar.update(1, 10);
    wait(999);
    bar.update(9, 10);
    bar.stop();
    expect(written).toEqual([]);
  });

  test('after a second it draws on one line, and stop clears that line once', () => {
    const { bar, written, wait } = watched();
    wait(2000);
    bar.update(50 * MIB, 100 * MIB);
    expect(written).toEqual([
      '\r\u001b[Kstoring [##########..........]  50%  50 MiB of 100 MiB  25 MiB/s  2s left',
    ]);
    bar.stop();
    bar.stop();
    expect(written.slice(1)).toEqual(['\r\u001b[K']);
  });

  test('it draws at most ten times a second, however often it is called', () => {
    const { bar, written, wait } = watched();
    wait(1000);
    for (let call = 0; call < 1000; call += 1) {
      bar.update(call, 1000);
      wait(1);
    }
    expect(written.length).toBe(10);
  });

  test('a late update after stop draws nothing', () => {
    const { bar, written, wait } = watched();
    bar.stop();
    wait(5000);
    bar.update(1, 2);
    expect(written).toEqual([]);
  });

  test('where nobody watches nothing is written', () => {
    const { bar, written, wait } = watched(false);
    wait(5000);
    bar.update(1, 2);
    bar.stop();
    expect(written).toEqual([]);
  });
});

describe('renderProgress', () => {
  const base = { label: 'checking', unit: 'items' as const, ms: 2000 };

  test('without a total there is no bar and no remaining time', () => {
    expect(renderProgress({ ...base, done: 30, total: undefined })).toBe('checking 30  15/s');
    expect(renderProgress({ ...base, done: 0, total: 0 })).toBe('checking 0  0/s');
  });

  test('more done than the total, as when a file grows, is still at most all of it', () => {
    expect(renderProgress({ ...base, done: 12, total: 10 })).toBe(
      'checking [####################] 100%  12 of 10  6/s  0s left',
    );
  });

  test('nothing done yet promises no time', () => {
    expect(renderProgress({ ...base, done: 0, total: 10 })).toBe(
      'checking [....................]   0%  0 of 10  0/s',
    );
  });

  test('a label from outside can not move the cursor', () => {
    expect(renderProgress({ ...base, label: 'a\u001b[2J', done: 0, total: undefined })).toBe(
      'a\\x1b[2J 0  0/s',
    );
  });
});
