/** The figures of several runs of one thing: `{ unit, min, median, runs }`. Units: `s`, `bytes`, `bytes/s`, `calls`. */
export function sample(unit, runs) {
  const sorted = runs.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const median = Number.isInteger(middle)
    ? (sorted[middle - 1] + sorted[middle]) / 2
    : sorted[Math.floor(middle)];
  return { unit, min: sorted[0], median, runs };
}

const UNITS = { seconds: 's', cpuSeconds: 's', peakBytes: 'bytes' };

/** One member of the results of `Bench.interleave` as a sample. */
export function sampleOf(results, member) {
  return sample(
    UNITS[member],
    results.map((result) => result[member]),
  );
}

/** A bound that nobody measures: the budget is a number by itself. */
export function fixed(unit, value) {
  return { unit, min: value, median: value, runs: [value] };
}

/**
 * One line of the report. The ratio is of medians, `measured / bound`.
 * @param fields `id`, `what`, `budget` (text of the design, or undefined), `limit` (`{ atMost }` or `{ atLeast }` for the ratio),
 *   `measured`, `bound` (samples), `boundIs` (what the bound is), `details` (`{ what: sample }`), `note`
 */
export function row(fields) {
  const { id, what, budget, limit, measured, bound, boundIs, details = {}, note } = fields;
  if (measured.unit !== bound.unit) throw new Error(`${id}: ${measured.unit} held against ${bound.unit}`);
  const ratio = measured.median / bound.median;
  if (!Number.isFinite(ratio)) throw new Error(`${id}: has no ratio`);
  return {
    id,
    what,
    budget: budget ?? null,
    measured,
    bound: { what: boundIs, ...bound },
    ratio,
    limit: limit ?? null,
    verdict: verdictOf(ratio, limit),
    details: Object.entries(details).map(([name, figures]) => ({ what: name, ...figures })),
    ...(note === undefined ? {} : { note }),
  };
}

function verdictOf(ratio, limit) {
  if (limit === undefined) return 'no budget';
  const met = limit.atMost === undefined ? ratio >= limit.atLeast : ratio <= limit.atMost;
  return met ? 'met' : 'missed';
}
