import { readFileSync } from 'node:fs';

/** One pair of samples of drift-fixtures.json; R and scipy's values where they were computed. */
export interface TwoSampleFixture {
  readonly id: string;
  readonly a: number[];
  readonly b: number[];
  readonly D: number;
  readonly p_tie_exact: number;
  readonly p_scipy_exact?: number;
  readonly p_kolmogorov_limit?: number;
  readonly R_exact?: number;
  readonly cvm_T?: number;
  readonly cvm_p_auto?: number;
  readonly ad_midrank_stat?: number;
  readonly ad_p_clipped?: number;
  readonly wasserstein?: number;
  readonly energy?: number;
  readonly mannwhitney_p_two_sided?: number;
}

type Table = [number[], number[]];

interface DriftFixtures {
  readonly two_sample: TwoSampleFixture[];
  readonly contingency: {
    id: string;
    table: Table;
    chi2?: number;
    df?: number;
    p?: number;
    tvd?: number;
    js_nat?: number;
    js_base2?: number;
    p_fisher?: number;
  }[];
  readonly distances: {
    p: number[];
    q: number[];
    js_nat: number;
    js_base2: number;
    hellinger: number;
    tvd: number;
    psi?: number;
    kl_pq?: number;
  }[];
  readonly special: {
    kolmogorov_sf: Record<string, number>;
    chi2_sf: [number, number, number][];
    norm_sf: Record<string, number>;
    bh: { p: number[]; q: number[] };
  };
}

interface ScipyCases {
  readonly two_sample: {
    a: number[];
    b: number[];
    D: number;
    p_exact: number | null;
    p_limit: number;
    wasserstein: number;
    energy: number;
    ad: [number, number];
    cvm: [number, number];
    mw: [number, number];
    quantiles: number[];
  }[];
  readonly contingency: { table: Table; chi2: number; df: number; p: number; js_base2: number; kl: number }[];
  readonly fisher: { table: Table; p: number }[];
  readonly wilson: [number, number, number, number, number][];
  readonly chi2_sf: [number, number, number][];
  readonly norm_sf: [number, number][];
  readonly hypergeometric: [number, number, number, number, number][];
  readonly bh: { p: number[]; q: number[] }[];
  readonly cvm_limit_sf: [x: number, p: number][];
  readonly autocorrelation: { values: number[]; r: number }[];
  /** Counts and rows of two shares, and the interval of their difference (second less first). */
  readonly newcombe: [number, number, number, number, number, number][];
  readonly ranking: { positive: number[]; negative: number[]; auc: [number, number, number] }[];
  readonly classification: { labels: number[]; predicted: number[]; accuracy: number; f1: number | null }[];
  readonly classes: { labels: number[]; predicted: number[]; macro_f1: number }[];
  readonly regression: { labels: number[]; predicted: number[]; rmse: number }[];
  readonly confidence_based: { p: number[]; accuracy: number; f1: number | null; auc: number | null }[];
}

const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../../fixtures/drift/${name}`, import.meta.url), 'utf8'));

/** Values of R 4.2.2 and scipy 1.17.1 for published and real data. */
export const fixtures = read('drift-fixtures.json') as DriftFixtures;

/** Random cases with the values of scipy, scikit-learn and statsmodels; see scipy-cases.py. */
export const scipyCases = read('scipy-cases.json') as ScipyCases;

export const sorted = (values: readonly number[]): Float64Array => Float64Array.from(values).sort();
