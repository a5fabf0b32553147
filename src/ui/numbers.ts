const DIGITS = 6;

/** A metric for people: up to six significant digits, no trailing zeros, exponents outside of 1e-5 ... 1e15. */
export function formatMetric(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '-∞';
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (Number.isSafeInteger(value)) return String(value);
  if (size < 1e-5 || size >= 1e15) return value.toExponential(DIGITS - 1).replace(/\.?0+e/, 'e');
  if (size >= 10 ** DIGITS) return value.toFixed(1).replace(/\.0$/, '');
  return String(Number(value.toPrecision(DIGITS)));
}

/** `1 file`, `2 files`, `100,000 files`. */
export function count(amount: number, singular: string, plural = `${singular}s`): string {
  return `${amount.toLocaleString('en-US')} ${amount === 1 ? singular : plural}`;
}
