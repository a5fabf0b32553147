const UNITS = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** `0 B`, `1023 B`, `1.2 MiB`, `117 MiB`: one decimal below ten of a unit above bytes, powers of 1024. */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes)) return '-';
  let value = Math.round(bytes);
  if (value < 1024) return `${value} B`;
  let unit = -1;
  do {
    value /= 1024;
    unit += 1;
    // 1023.96 KiB would be rounded to 1024 KiB: it is 1.0 MiB.
  } while (value >= 1023.5 && unit < UNITS.length - 1);
  const digits = value < 9.95 ? value.toFixed(1) : value.toFixed(0);
  return `${digits} ${UNITS[unit] ?? ''}`;
}

/** `1.2 MiB (1,258,291 bytes)`, for places where the exact size matters; below 1 KiB the exact size is all there is. */
export function formatExactBytes(bytes: number): string {
  const exact = `${bytes.toLocaleString('en-US')} ${bytes === 1 ? 'byte' : 'bytes'}`;
  return bytes < 1024 ? exact : `${formatBytes(bytes)} (${exact})`;
}
