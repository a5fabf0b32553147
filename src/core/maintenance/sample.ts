import { randomInt } from 'node:crypto';
import { UsageError } from '../../errors.ts';

/**
 * Which packs to hash: `5%` picks each with that chance, anew on each run; `2/7` is the second of seven parts that together
 * hold every pack exactly once, so that seven runs have seen all.
 *
 * @throws UsageError `SAMPLE_INVALID`
 */
export function parseSample(text: string): (packName: string) => boolean {
  const percent = /^(\d{1,3}(?:\.\d{1,6})?)%$/.exec(text);
  if (percent !== null && Number(percent[1]) > 0 && Number(percent[1]) <= 100) {
    const share = Number(percent[1]) / 100;
    const resolution = 2 ** 32;
    return () => randomInt(resolution) < share * resolution;
  }
  const fraction = /^(\d{1,6})\/(\d{1,6})$/.exec(text);
  const part = Number(fraction?.[1]);
  const parts = Number(fraction?.[2]);
  if (fraction !== null && part >= 1 && part <= parts) {
    // Names are SHA-256 digests, so their first 48 bits spread evenly.
    return (packName) => Number.parseInt(packName.slice(0, 12), 16) % parts === part - 1;
  }
  throw new UsageError('SAMPLE_INVALID', `--sample: "${text.slice(0, 40)}" is no part`, {
    hint: 'write a share such as 5%, or a part such as 2/7',
  });
}
