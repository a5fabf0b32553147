export const CATEGORICAL = ['size', 'phase', 'time_of_day', 'operator', 'aircraft', 'species'];

/**
 * Learns from the training rows how a row becomes numbers: mean and standard deviation of the speed, and for every
 * categorical column the values that occur at least `minCount` times (all others share "none of these").
 */
export function fitPreprocessing(rows, minCount) {
  const speeds = rows.filter((row) => row.speed !== '').map((row) => Number(row.speed));
  const mean = speeds.reduce((sum, speed) => sum + speed, 0) / speeds.length;
  const variance = speeds.reduce((sum, speed) => sum + (speed - mean) ** 2, 0) / speeds.length;
  const categories = CATEGORICAL.map((column) => [column, frequentValues(rows, column, minCount)]);
  return { speed: { mean, std: Math.sqrt(variance) }, categories: Object.fromEntries(categories) };
}

function frequentValues(rows, column, minCount) {
  const counts = new Map();
  for (const row of rows) counts.set(row[column], (counts.get(row[column]) ?? 0) + 1);
  const frequent = [...counts].filter(([, count]) => count >= minCount).map(([value]) => value);
  return frequent.toSorted((left, right) => (left < right ? -1 : 1));
}

/** One row as numbers: 1 (for the intercept), scaled speed, "speed is missing", then one 0/1 column a category. */
export function encode(row, { speed, categories }) {
  const missing = row.speed === '';
  const scaled = missing ? 0 : (Number(row.speed) - speed.mean) / speed.std;
  const flags = Object.entries(categories).flatMap(([column, known]) =>
    known.map((value) => (row[column] === value ? 1 : 0)),
  );
  return [1, scaled, missing ? 1 : 0, ...flags];
}
