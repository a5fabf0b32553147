/**
 * Figures of other tools by their own default rules: measured for this project in 2026 with simulations of 25 to 400 repetitions a cell, from the
 * rules in their sources (Evidently 0.7, NannyML, whylogs, deepchecks). They are shown beside the program's own, and are not measured again here.
 * Shares of runs, '' where a tool was not measured.
 */
type Peers = Readonly<Record<string, readonly (number | string)[]>>;

export const NUMERIC_PEERS = {
  names: [
    'KS, p < .05',
    'Evidently',
    'PSI >= .1, 10 quantiles',
    'Wasserstein / sd >= .1',
    'deepchecks, D >= .2',
  ],
  rates: {
    'normal 100/100': [0.05, 0.05, 0.84, 0.92, 0.02],
    'normal 300/300': [0.06, 0.06, 0.1, 0.46, 0],
    'normal 1000/1000': [0.04, 0.04, 0, 0.04, 0],
    'normal 1000/100': [0.06, 0.06, 0.51, 0.73, 0.003],
    'normal 5000/100': [0.06, 0.7, 0.35, 0.7, 0],
    'lognormal 5000/100': [0.06, 0.71, 0.46, 0.71, 0],
    't3 5000/100': [0.03, 0.94, 0.39, 0.94, 0],
    't3 5000/500': [0.06, 0.12, 0, 0.12, 0],
  } satisfies Peers,
};

export const CATEGORICAL_PEERS = {
  names: ['Evidently', 'chi-square, one sample, p < .05', 'JS >= .1', 'PSI >= .1', 'whylogs'],
  rates: {
    '2 levels, even 1000/1000': [0.04, 0.15, 0, 0, 0.15],
    '5 levels, even 100/100': [0.35, 0.35, 0.44, 0.32, 0.35],
    '10 levels, zipf 1000/1000': [0.5, 0.5, 0, 0, 0.5],
    '1000 levels, zipf 10000/10000': [1, 1, 1, 1, 1],
  } satisfies Peers,
};

export const TABLE_PEERS = {
  names: [
    'KS and chi-square, p < .05',
    'the same, Benjamini-Hochberg',
    'Evidently, any column',
    'Evidently, half of the columns',
  ],
  rates: {
    '20 mixed columns 50/50': [0.58, 0.07, 1, 0],
    '20 mixed columns 100/100': [0.62, 0.03, 1, 0],
    '20 mixed columns 1000/1000': [0.59, 0.07, 1, 0],
    '20 mixed columns 5000/100': [0.6, 0.06, 1, 0.94],
    '20 mixed columns 10000/1000': [0.62, 0.05, 1, 0],
    '20 mixed columns 20000/20000': [0.68, 0.07, 0, 0],
  } satisfies Peers,
};

export const POWER_PEERS = {
  names: ['KS p < .01 and D >= .1', 'PSI >= .25', 'deepchecks, D >= .2'],
  rates: {
    'mean + 0.2 sd 100/100': [0.07, 0.38, 0.2],
    'mean + 0.2 sd 300/300': [0.33, 0.01, 0.01],
    'mean + 0.2 sd 1000/1000': [0.46, 0, 0],
    'mean + 0.2 sd 10000/10000': [0.01, 0, 0],
    'mean + 0.3 sd 100/100': [0.18, 0.51, 0.33],
    'mean + 0.3 sd 300/300': [0.71, 0.06, 0.11],
    'mean + 0.3 sd 1000/1000': [0.99, 0, 0],
    'mean + 0.3 sd 10000/10000': [1, 0, 0],
    'mean + 0.5 sd 100/100': [0.67, 0.88, 0.84],
    'mean + 0.5 sd 300/300': [1, 0.74, 0.81],
    'mean + 0.5 sd 1000/1000': [1, 0.57, 0.73],
    'mean + 0.5 sd 10000/10000': [1, 0.2, 0.48],
    'sd x 1.5 100/100': [0.06, 0.82, 0.19],
    'sd x 1.5 300/300': [0.55, 0.57, 0],
    'sd x 1.5 1000/1000': [0.93, 0.17, 0],
    'sd x 1.5 10000/10000': [0.71, 0, 0],
    'sd x 2 100/100': [0.49, '', ''],
    'sd x 2 300/300': [1, '', ''],
    'sd x 2 1000/1000': [1, '', ''],
    'sd x 2 10000/10000': [1, '', ''],
  } satisfies Peers,
};

/** Kolmogorov-Smirnov alone, with p corrected and D .1 or more, where the composite policy has companions. */
export const BREAK_PEERS = {
  names: ['KS alone'],
  rates: {
    '5 % constant 0 300/300': [0.02],
    '5 % constant 0 1000/1000': [0],
    '10 % constant 0 300/300': [0.13],
    '10 % constant 0 1000/1000': [0.05],
  } satisfies Peers,
};
