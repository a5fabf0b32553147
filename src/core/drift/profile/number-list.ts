/** Lists of numbers as text: docs/format.md section 6.5. */

const PER_LINE = 50;
const NUMBER = /^-?\d+(?:\.\d+)?(?:e-?\d+)?$/;

/** The shortest of the texts that ECMAScript reads as this very number: plain digits, or with an exponent. */
export function numberText(value: number): string {
  const plain = String(value).replace('e+', 'e');
  const exponential = value.toExponential().replace('e+', 'e');
  return exponential.length < plain.length ? exponential : plain;
}

/** undefined for what is no finite number; -0 is 0. */
export function readNumber(text: string): number | undefined {
  const value = NUMBER.test(text) ? Number(text) : Number.NaN;
  if (!Number.isFinite(value)) return undefined;
  return value === 0 ? 0 : value;
}

/** Lines of items with a space between them; a number that comes several times in a row is one item, `<number>*<times>`. */
export function writeNumbers(values: Float64Array): string[] {
  const items: string[] = [];
  for (let from = 0; from < values.length;) {
    let to = from + 1;
    while (to < values.length && values[to] === values[from]) to += 1;
    const text = numberText(values[from] as number);
    items.push(to - from === 1 ? text : `${text}*${to - from}`);
    from = to;
  }
  const lines: string[] = [];
  for (let from = 0; from < items.length; from += PER_LINE)
    lines.push(items.slice(from, from + PER_LINE).join(' '));
  return lines;
}

/** The numbers of such lines, or what is wrong with them. @param most more numbers than this are a problem */
export function readNumbers(lines: readonly string[], most: number): Float64Array | { problem: string } {
  const values: number[] = [];
  for (const line of lines) {
    for (const item of line.split(' ')) {
      const [number = '', times = '1', ...more] = item.split('*');
      const value = readNumber(number);
      const count = /^[1-9]\d{0,8}$/.test(times) ? Number(times) : 0;
      if (value === undefined || count === 0 || more.length > 0) {
        return { problem: `"${item.slice(0, 40)}" is no number` };
      }
      if (values.length + count > most) return { problem: `more than ${most} numbers` };
      for (let copy = 0; copy < count; copy += 1) values.push(value);
    }
  }
  return Float64Array.from(values);
}
