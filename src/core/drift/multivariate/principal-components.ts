import { EigenvalueDecomposition, Matrix } from 'ml-matrix';

/** Rows of numbers, one after the other; no NaN. */
export interface NumberTable {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float64Array;
}

export interface Components {
  readonly count: number;
  /** Share of the variance that they explain. */
  readonly explained: number;
  /** Length of what the components leave of a standardised row. */
  readonly errorOf: (table: NumberTable, row: number) => number;
}

/**
 * Principal components of standardised columns: as many as explain `share` of the variance, but at least one less than there are columns that vary.
 * undefined where fewer than two columns vary.
 *
 * Eigenvectors of the correlation matrix, by ml-matrix.
 */
export function principalComponents(table: NumberTable, share: number): Components | undefined {
  const { means, deviations } = momentsOf(table);
  const varying = Array.from(deviations.keys()).filter((column) => (deviations[column] as number) > 0);
  if (varying.length < 2 || table.rows < 3) return undefined;
  const standardised = (from: NumberTable, row: number): Float64Array =>
    Float64Array.from(
      varying,
      (column) =>
        ((from.values[row * from.columns + column] as number) - (means[column] as number)) /
        (deviations[column] as number),
    );
  const decomposition = new EigenvalueDecomposition(correlations(table, varying.length, standardised), {
    assumeSymmetric: true,
  });
  const variances = decomposition.realEigenvalues.map((variance) => Math.max(0, variance));
  const order = Array.from(variances.keys()).toSorted(
    (x, y) => (variances[y] as number) - (variances[x] as number),
  );
  const total = variances.reduce((sum, variance) => sum + variance, 0);
  const kept: number[] = [];
  let explained = 0;
  for (const index of order) {
    if (explained >= share || kept.length === varying.length - 1) break;
    kept.push(index);
    explained += (variances[index] as number) / total;
  }
  const vectors = kept.map((index) => Float64Array.from(decomposition.eigenvectorMatrix.getColumn(index)));
  return {
    count: kept.length,
    explained,
    errorOf: (from, row) => residual(standardised(from, row), vectors),
  };
}

/** |x|^2 less its part along orthogonal unit vectors, as a length. */
function residual(row: Float64Array, vectors: readonly Float64Array[]): number {
  let rest = dot(row, row);
  for (const vector of vectors) rest -= dot(row, vector) ** 2;
  return Math.sqrt(Math.max(0, rest));
}

function dot(x: Float64Array, y: Float64Array): number {
  let sum = 0;
  for (let at = 0; at < x.length; at += 1) sum += (x[at] as number) * (y[at] as number);
  return sum;
}

function momentsOf({ rows, columns, values }: NumberTable) {
  const means = new Float64Array(columns);
  const deviations = new Float64Array(columns);
  for (let column = 0; column < columns; column += 1) {
    let sum = 0;
    for (let row = 0; row < rows; row += 1) sum += values[row * columns + column] as number;
    const mean = sum / rows;
    let squares = 0;
    for (let row = 0; row < rows; row += 1)
      squares += ((values[row * columns + column] as number) - mean) ** 2;
    means[column] = mean;
    const deviation = Math.sqrt(squares / rows);
    // What rounding makes of a constant is no variation.
    deviations[column] = deviation > 1e-12 * Math.abs(mean) && Number.isFinite(deviation) ? deviation : 0;
  }
  return { means, deviations };
}

function correlations(
  table: NumberTable,
  size: number,
  standardised: (table: NumberTable, row: number) => Float64Array,
): Matrix {
  const sums = new Float64Array(size * size);
  for (let row = 0; row < table.rows; row += 1) {
    const values = standardised(table, row);
    for (let x = 0; x < size; x += 1) {
      const value = values[x] as number;
      for (let y = 0; y <= x; y += 1)
        sums[x * size + y] = (sums[x * size + y] as number) + value * (values[y] as number);
    }
  }
  const matrix = Matrix.zeros(size, size);
  for (let x = 0; x < size; x += 1) {
    for (let y = 0; y <= x; y += 1) {
      const correlation = (sums[x * size + y] as number) / table.rows;
      matrix.set(x, y, correlation);
      matrix.set(y, x, correlation);
    }
  }
  return matrix;
}
