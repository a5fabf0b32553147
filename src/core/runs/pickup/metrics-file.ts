import { lstat } from 'node:fs/promises';
import { MlopsError } from '../../../errors.ts';
import { printable } from '../../../lib/terminal-text.ts';
import { readMetricsFile } from '../../registry/measurements.ts';
import { metricNumber } from '../../registry/record.ts';
import { CLOCK_STEP_MS, nothing, type PickedUp, type PickupOptions } from './pickup.ts';

/** The numbers of a JSON file at step 0. @param options.form see `readMetricsFile` */
export async function pickUpMetricsFile(
  path: string,
  { since, now, form = {} }: PickupOptions & { form?: { separator?: string; numbersOnly?: boolean } },
): Promise<PickedUp> {
  const found = nothing();
  const stats = await lstat(path).catch(() => undefined);
  if (stats !== undefined && stats.mtimeMs < since - CLOCK_STEP_MS) {
    found.problems.push(`${printable(path)}: was not written by this command, so its numbers are not taken`);
    return found;
  }
  try {
    for (const [key, value] of await readMetricsFile(path, form))
      found.metrics.push({ key, value: metricNumber(value), step: 0, time: now });
  } catch (error) {
    if (!(error instanceof MlopsError)) throw error;
    found.problems.push(error.message);
  }
  return found;
}
