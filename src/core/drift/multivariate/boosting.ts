import type { BinnedColumn } from './binned.ts';
import { type Generator, shuffle } from './generator.ts';

/**
 * Gradient boosting of small trees on histograms with the logistic loss (Friedman 2001; second-order gains as in XGBoost, Chen & Guestrin
 * 2016; splits of levels in the order of their gradients as in LightGBM, Ke and others 2017).
 */
export interface BoostOptions {
  /** 0 or 1 for each row. */
  readonly labels: Uint8Array;
  /** Rows that are learnt from. */
  readonly rows: Uint32Array;
  readonly random: Generator;
}

const ROUNDS = 60;
/** Deep enough for what three columns only show together. */
const DEPTH = 3;
const RATE = 0.1;
/** Of the rows, anew for each tree. */
const ROW_SHARE = 0.5;
/** Columns that one tree looks at. */
const TREE_COLUMNS = 32;
const LEAST_ROWS = 20;
/** Keeps leaves of few rows small. */
const SHRINKAGE = 1;

interface Split {
  readonly column: number;
  /** 1 for bins whose rows go left. */
  readonly left: Uint8Array;
  readonly gain: number;
}

type Node = { readonly value: number } | { readonly split: Split; readonly below: readonly [Node, Node] };

export interface Ensemble {
  readonly trees: readonly Node[];
  /** Of each column, what its splits gained. */
  readonly gains: Float64Array;
}

/** Learns to tell rows of label 1 from those of label 0; both count alike, whatever their numbers. */
export function boost(columns: readonly BinnedColumn[], { labels, rows, random }: BoostOptions): Ensemble {
  const scores = new Float64Array(labels.length);
  const gradients = new Float64Array(labels.length);
  const hessians = new Float64Array(labels.length);
  const gains = new Float64Array(columns.length);
  const weights = balance(labels, rows);
  const trees: Node[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const row of rows) {
      const p = 1 / (1 + Math.exp(-(scores[row] as number)));
      const weight = weights[labels[row] as number] as number;
      gradients[row] = weight * (p - (labels[row] as number));
      hessians[row] = weight * p * (1 - p);
    }
    const sampled = rows.filter(() => random() < ROW_SHARE);
    const chosen = someColumns(columns.length, random);
    const tree = grow({ columns, chosen, gradients, hessians, gains }, sampled, DEPTH);
    trees.push(tree);
    for (const row of rows) scores[row] = (scores[row] as number) + leafOf(tree, columns, row);
  }
  return { trees, gains };
}

/** How much a row looks like label 1: log odds. */
export function scoreOf({ trees }: Ensemble, columns: readonly BinnedColumn[], row: number): number {
  let score = 0;
  for (const tree of trees) score += leafOf(tree, columns, row);
  return score;
}

function balance(labels: Uint8Array, rows: Uint32Array): [number, number] {
  const ones = rows.reduce((sum, row) => sum + (labels[row] as number), 0);
  const zeros = rows.length - ones;
  return [rows.length / (2 * Math.max(1, zeros)), rows.length / (2 * Math.max(1, ones))];
}

function someColumns(count: number, random: Generator): number[] {
  const all = Array.from({ length: count }, (_, column) => column);
  return count <= TREE_COLUMNS ? all : shuffle(all, random).slice(0, TREE_COLUMNS);
}

interface Growing {
  readonly columns: readonly BinnedColumn[];
  readonly chosen: readonly number[];
  readonly gradients: Float64Array;
  readonly hessians: Float64Array;
  readonly gains: Float64Array;
}

function grow(state: Growing, rows: Uint32Array, depth: number): Node {
  const { columns, gradients, hessians, gains } = state;
  const split = depth === 0 || rows.length < 2 * LEAST_ROWS ? undefined : bestSplit(state, rows);
  if (split === undefined) {
    let gradient = 0;
    let hessian = 0;
    for (const row of rows) {
      gradient += gradients[row] as number;
      hessian += hessians[row] as number;
    }
    return { value: (-RATE * gradient) / (hessian + SHRINKAGE) };
  }
  gains[split.column] = (gains[split.column] as number) + split.gain;
  const { bins } = columns[split.column] as BinnedColumn;
  const goesLeft = (row: number): boolean => split.left[bins[row] as number] === 1;
  return {
    split,
    below: [
      grow(state, rows.filter(goesLeft), depth - 1),
      grow(
        state,
        rows.filter((row) => !goesLeft(row)),
        depth - 1,
      ),
    ],
  };
}

function bestSplit(state: Growing, rows: Uint32Array): Split | undefined {
  let best: Split | undefined;
  for (const column of state.chosen) {
    const found = splitOf(state, column, rows);
    if (found !== undefined && found.gain > (best?.gain ?? 0)) best = found;
  }
  return best;
}

function splitOf(
  { columns, gradients, hessians }: Growing,
  column: number,
  rows: Uint32Array,
): Split | undefined {
  const { bins, count, ordered } = columns[column] as BinnedColumn;
  const sums = new Float64Array(count);
  const curves = new Float64Array(count);
  const sizes = new Uint32Array(count);
  for (let at = 0; at < rows.length; at += 1) {
    const row = rows[at] as number;
    const bin = bins[row] as number;
    sums[bin] = (sums[bin] as number) + (gradients[row] as number);
    curves[bin] = (curves[bin] as number) + (hessians[row] as number);
    sizes[bin] = (sizes[bin] as number) + 1;
  }
  const order = Array.from({ length: count }, (_, bin) => bin).filter((bin) => sizes[bin] !== 0);
  const slope = (bin: number): number => (sums[bin] as number) / ((curves[bin] as number) + SHRINKAGE);
  if (!ordered) order.sort((x, y) => slope(x) - slope(y));
  const cut = bestCut(order, { sums, curves, sizes });
  if (cut === undefined) return undefined;
  const left = new Uint8Array(count);
  for (const bin of order.slice(0, cut.length)) left[bin] = 1;
  return { column, left, gain: cut.gain };
}

interface Histogram {
  readonly sums: Float64Array;
  readonly curves: Float64Array;
  readonly sizes: Uint32Array;
}

/** After how many bins of the order the loss falls most. */
function bestCut(
  order: readonly number[],
  { sums, curves, sizes }: Histogram,
): { length: number; gain: number } | undefined {
  const total = { gradient: 0, hessian: 0, rows: 0 };
  for (const bin of order) {
    total.gradient += sums[bin] as number;
    total.hessian += curves[bin] as number;
    total.rows += sizes[bin] as number;
  }
  const worth = (gradient: number, hessian: number): number => (gradient * gradient) / (hessian + SHRINKAGE);
  const whole = worth(total.gradient, total.hessian);
  let gradient = 0;
  let hessian = 0;
  let rows = 0;
  let best: { length: number; gain: number } | undefined;
  for (let length = 1; length < order.length; length += 1) {
    const bin = order[length - 1] as number;
    gradient += sums[bin] as number;
    hessian += curves[bin] as number;
    rows += sizes[bin] as number;
    if (rows < LEAST_ROWS || total.rows - rows < LEAST_ROWS) continue;
    const gain = worth(gradient, hessian) + worth(total.gradient - gradient, total.hessian - hessian) - whole;
    if (gain > (best?.gain ?? 0)) best = { length, gain };
  }
  return best;
}

function leafOf(tree: Node, columns: readonly BinnedColumn[], row: number): number {
  let node = tree;
  while ('split' in node) {
    const { column, left } = node.split;
    const bin = (columns[column] as BinnedColumn).bins[row] as number;
    node = node.below[left[bin] === 1 ? 0 : 1];
  }
  return node.value;
}
