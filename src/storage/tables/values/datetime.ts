import { latin1 } from './number.ts';

/** The longest: `2024-02-29T23:59:59.123456789+05:30`. */
const LONGEST = 40;

const PATTERN =
  /^[ \t]*(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(Z|z|[+-]\d\d(?::?\d\d)?)?)?[ \t]*$/;

/**
 * Milliseconds since 1970 in UTC of an ISO 8601 date, or date and time (`T` or one space between; seconds, their fraction and the zone
 * may be missing; no zone means UTC); NaN for anything else and for days that no calendar has.
 */
export function parseDatetime(bytes: Uint8Array, start: number, end: number): number {
  // A year, a hyphen: what most cells that are none lack.
  if (end - start < 10 || end - start > LONGEST || !hasHyphen(bytes, start, end)) return Number.NaN;
  return datetimeOf(latin1(bytes, start, end));
}

function hasHyphen(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) if (bytes[at] === 0x2d) return true;
  return false;
}

/** As {@link parseDatetime}. */
export function datetimeOf(text: string): number {
  const match = PATTERN.exec(text);
  if (match === null) return Number.NaN;
  const [
    ,
    year = '',
    month = '',
    day = '',
    hour = '0',
    minute = '0',
    second = '0',
    fraction = '',
    zone = '',
  ] = match;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return Number.NaN;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  // A 30 February is moved into March, a month 13 into the next year.
  if (date.getUTCMonth() !== Number(month) - 1 || date.getUTCDate() !== Number(day)) return Number.NaN;
  const seconds = (Number(hour) * 60 + Number(minute)) * 60 + Number(second);
  const milliseconds = fraction === '' ? 0 : Number(`0.${fraction}`) * 1000;
  return date.getTime() + seconds * 1000 + milliseconds - zoneMinutes(zone) * 60_000;
}

function zoneMinutes(zone: string): number {
  if (zone === '' || zone === 'Z' || zone === 'z') return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(3).replace(':', '') || 0);
  if (hours > 23 || minutes > 59) return Number.NaN;
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes);
}
