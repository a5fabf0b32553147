import stringWidth from 'string-width';

const ASCII = /^[ -~]*$/;
const ELLIPSIS = '…';

/** Columns that printable text takes: two for wide characters, none for combining marks. */
export function displayWidth(text: string): number {
  return ASCII.test(text) ? text.length : stringWidth(text);
}

/** At most `width` columns, with an ellipsis where something was cut; never cuts a character in two. */
export function truncate(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  if (width < 1) return '';
  let kept = '';
  let used = 0;
  for (const { segment } of new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(text)) {
    const wide = displayWidth(segment);
    if (used + wide > width - 1) break;
    kept += segment;
    used += wide;
  }
  return `${kept}${ELLIPSIS}`;
}

export function pad(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const space = ' '.repeat(Math.max(0, width - displayWidth(text)));
  return align === 'left' ? `${text}${space}` : `${space}${text}`;
}
