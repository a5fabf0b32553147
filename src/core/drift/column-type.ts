import type { ColumnEvidence, ColumnType } from '../../storage/tables/table.ts';
import { BOOLEAN_WORDS } from '../../storage/tables/table.ts';
import type { PinnedColumn } from './summary.ts';
import { percent } from './text-of.ts';

/** Of the cells that are not null, so many have to be numbers (dates) for a column of numbers (dates); the others are unparsable. */
const MOST = 0.9;
/** Up to so many different integers are codes. */
const CODES = 10;
/** Codes repeat: so many rows for each at least. Fewer say nothing, and numbers they are. */
const ROWS_A_CODE = 3;
/** Integers written with leading zeros: from this share on they are codes and no slips. */
const PADDED = 0.001;
/** Estimates of how many values are different are good to some per cent. */
const NEARLY_ALL = 0.98;
/** With fewer cells than this a share of different values says nothing. */
const FEW = 20;
const LONG = 50;
const LONG_OF_FEW = 30;

/**
 * What a column is compared as, from the cells of its first rows. The first rule that fits decides; n are the cells that are not null.
 *
 * 1. No cell, or all null: no type (null). So are columns whose values can't be compared.
 * 2. A file that declares booleans, times or an enumeration is believed: boolean, datetime, categorical.
 * 3. All cells are words for true and false of one pair: boolean. `yes`, and the single letters, only where both words occur: a
 *    column of `f` may hold `m` later. 0 and 1 are integers.
 * 4. At least 90 % of n are ISO 8601 dates or times: datetime.
 * 5. At least 90 % of n are numbers, and
 *    a. all of those are integers with leading zeros (0.1 % of them or more), most of them beyond 2^53, of which a double would not keep
 *       all digits, or of a column that its file declares as text: codes, rule 7 decides which;
 *    b. at most 10 values are different, with at least 3 n for each, and all numbers are integers or some cells are no numbers: categorical,
 *       integers as codes (`3.0` is the level `3`);
 *    c. the column is named as an identifier (`id`, `user_id`, `userId`, `uuid`), all numbers are integers, and they do not count the rows: rule 7;
 *    d. else: numeric. Cells that are no numbers are counted as unparsable.
 * 6. Half of n or more are numbers with a decimal comma: `1,234` may be either, so they are not guessed; rule 7, with that as the reason.
 * 7. Text where more than half of n are different, or more than 10 % of n and 20 values that are 50 characters long on average;
 *    else categorical. Of fewer than 20 cells only the length tells: text from 30 characters on.
 *
 * The same values give the same type whether CSV or Parquet holds them, but for integers that Parquet declares as text. `--type` and the
 * settings decide before all this.
 */
export function inferColumnType(evidence: ColumnEvidence): PinnedColumn | null {
  const cells = evidence.rows - evidence.nulls;
  if (evidence.skipped !== undefined || cells <= 0) return null;
  const found = byDeclaration(evidence) ?? byWords(evidence, cells) ?? byCells(evidence, cells);
  const { type, reason, integers } = found;
  return {
    name: evidence.name,
    type,
    reason: evidence.complete ? reason : `${reason} (first ${thousands(evidence.rows)} rows)`,
    ...(integers === true ? { integers } : {}),
  };
}

/** What a typed file says of a column, in the words of DuckDB; undefined where cells are text, and for types that are not compared. */
export function declaredType(declared: string | undefined): ColumnType | undefined {
  if (declared === undefined) return undefined;
  const word = declared.toUpperCase();
  if (word === 'BOOLEAN') return 'boolean';
  if (/^(?:DATE|TIMESTAMP\b.*|TIMESTAMP_.*|DATETIME)$/.test(word)) return 'datetime';
  if (/^(?:U?(?:TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)|FLOAT|REAL|DOUBLE|DECIMAL\b.*)$/.test(word))
    return 'numeric';
  if (word.startsWith('ENUM')) return 'categorical';
  return word === 'VARCHAR' || word === 'UUID' ? 'text' : undefined;
}

interface Found {
  type: ColumnType;
  reason: string;
  integers?: boolean;
}

function byDeclaration({ declared }: ColumnEvidence): Found | undefined {
  const type = declaredType(declared);
  if (type === undefined || type === 'numeric' || type === 'text') return undefined;
  return { type, reason: `declared ${(declared ?? '').slice(0, 40)}` };
}

function byWords({ booleans, booleanWords }: ColumnEvidence, cells: number): Found | undefined {
  if (booleans < cells || booleanWords.length === 0) return undefined;
  const pair = BOOLEAN_WORDS.find((words) => booleanWords.every((word) => words.includes(word)));
  if (pair === undefined) return undefined;
  const isPlain = pair.includes('true');
  return isPlain || booleanWords.length === 2 ? { type: 'boolean', reason: pair.join('/') } : undefined;
}

function byCells(evidence: ColumnEvidence, cells: number): Found {
  const { numbers, datetimes, decimalCommas } = evidence;
  if (datetimes >= cells * MOST)
    return { type: 'datetime', reason: mostly('ISO 8601 times', datetimes, cells) };
  if (numbers >= cells * MOST) return byNumbers(evidence, cells);
  if (decimalCommas * 2 >= cells) {
    return byDistinctness(evidence, cells, 'numbers with a decimal comma are not guessed');
  }
  return byDistinctness(
    evidence,
    cells,
    numbers * 2 >= cells ? `only ${percent(numbers / cells)} are numbers` : '',
  );
}

function byNumbers(evidence: ColumnEvidence, cells: number): Found {
  const { numbers, integers, distinct, zeroPadded, beyondPrecision } = evidence;
  const allIntegers = integers === numbers && numbers > 0;
  if (allIntegers) {
    if (zeroPadded > 0 && zeroPadded >= numbers * PADDED) {
      return byDistinctness(evidence, cells, 'integers with leading zeros: codes');
    }
    if (beyondPrecision * 2 >= numbers) return byDistinctness(evidence, cells, 'integers beyond 2^53: codes');
    if (declaredType(evidence.declared) === 'text') {
      return byDistinctness(evidence, cells, `integers declared ${evidence.declared ?? ''}: codes`);
    }
  }
  if (distinct <= CODES && distinct * ROWS_A_CODE <= cells && (allIntegers || numbers < cells)) {
    const what = allIntegers && numbers === cells ? 'integers' : 'values';
    return {
      type: 'categorical',
      reason: distinct === 1 ? 'one and the same integer: a code' : `${distinct} different ${what}: codes`,
      ...(allIntegers ? { integers: true } : {}),
    };
  }
  if (allIntegers && isIdentifier(evidence.name) && !countsRows(evidence, cells)) {
    return byDistinctness(evidence, cells, 'integers named as an identifier');
  }
  return { type: 'numeric', reason: mostly('numbers', numbers, cells) };
}

function byDistinctness(
  { distinct, meanLength, declared }: ColumnEvidence,
  cells: number,
  why: string,
): Found {
  const isText =
    cells < FEW
      ? meanLength > LONG_OF_FEW
      : distinct * 2 > cells || (meanLength >= LONG && distinct > FEW && distinct * 10 > cells);
  const begin =
    why === '' ? (declared === undefined ? '' : `declared ${declared.slice(0, 40)}, `) : `${why}, `;
  const values = `${thousands(distinct)} different ${distinct === 1 ? 'value' : 'values'} in ${thousands(cells)}`;
  return { type: isText ? 'text' : 'categorical', reason: `${begin}${values}` };
}

/** `id` as a word of its own at the end of a name, in any way of joining words; `paid` and `grid` are none. */
function isIdentifier(name: string): boolean {
  return /(?:^|[^\p{L}\p{N}])(?:id|ids|uuid|guid)$/iu.test(name) || /\p{Ll}I[dD]$/u.test(name);
}

/** Integers that count up one by one: a comparison of numbers knows row numbers by their order. */
function countsRows({ distinct, examples }: ColumnEvidence, cells: number): boolean {
  if (distinct < cells * NEARLY_ALL || examples.length < 3) return false;
  const numbers = examples.map(Number);
  return numbers.every((number, index) => index === 0 || number === (numbers[index - 1] ?? NaN) + 1);
}

function mostly(what: string, count: number, cells: number): string {
  return count === cells ? what : `${percent(count / cells)} of the values are ${what}`;
}

function thousands(count: number): string {
  return count.toLocaleString('en-US');
}
