// Writes data/train.csv and data/test.csv from the wildlife strike reports in the npm package vega-datasets.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { csvFormat } from 'd3-dsv';
import { readCsv, TARGET } from './csv.mjs';
import { shuffled } from './random.mjs';

// What the report says of the circumstances. The repair costs are left out: they are known only after the damage is.
const COLUMNS = {
  'Speed IAS in knots': 'speed',
  'Wildlife Size': 'size',
  'Phase of flight': 'phase',
  'Time of day': 'time_of_day',
  'Aircraft Airline Operator': 'operator',
  'Aircraft Make Model': 'aircraft',
  'Wildlife Species': 'species',
};
const DAMAGE = 'Effect Amount of damage';
// The file also holds the codes "B" and "C", which its documentation does not explain: those rows are left out.
const KNOWN_DAMAGE = new Set(['None', 'Minor', 'Medium', 'Substantial']);

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: 'data' },
    seed: { type: 'string', default: '42' },
    'test-share': { type: 'string', default: '0.3' },
  },
});

const source = fileURLToPath(new URL('../data/birdstrikes.csv', import.meta.resolve('vega-datasets')));
const rows = readCsv(source)
  .filter((row) => KNOWN_DAMAGE.has(row[DAMAGE]))
  .map((row) => {
    const picked = Object.entries(COLUMNS).map(([from, to]) => [to, row[from]]);
    return { ...Object.fromEntries(picked), [TARGET]: row[DAMAGE] === 'Substantial' ? '1' : '0' };
  });

const order = shuffled(rows, Number(values.seed));
const testRows = Math.round(order.length * Number(values['test-share']));
mkdirSync(values.out, { recursive: true });
const parts = { test: order.slice(0, testRows), train: order.slice(testRows) };
for (const [name, part] of Object.entries(parts)) {
  const path = join(values.out, `${name}.csv`);
  writeFileSync(path, `${csvFormat(part)}\n`);
  const positives = part.filter((row) => row[TARGET] === '1').length;
  const share = ((100 * positives) / part.length).toFixed(1);
  process.stdout.write(`${path}: ${part.length} rows, ${positives} with substantial damage (${share} %)\n`);
}
