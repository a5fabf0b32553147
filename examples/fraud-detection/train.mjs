// Trains a logistic regression on data/train.csv and measures it on data/test.csv, which it does not learn from.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import LogisticRegression from 'ml-logistic-regression';
import { Matrix } from 'ml-matrix';
import { labelsOf, readCsv } from './csv.mjs';
import { encode, fitPreprocessing } from './features.mjs';
import { bestThreshold, evaluate } from './metrics.mjs';
import { scoreRows, writeModel } from './model.mjs';

const { values } = parseArgs({
  options: {
    train: { type: 'string', default: 'data/train.csv' },
    test: { type: 'string', default: 'data/test.csv' },
    out: { type: 'string', default: 'build/model' },
    metrics: { type: 'string', default: 'metrics.json' },
    steps: { type: 'string', default: '60' },
    rate: { type: 'string', default: '0.001' },
    'min-count': { type: 'string', default: '300' },
  },
});

const rows = readCsv(values.train);
const labels = labelsOf(rows);
const preprocessing = fitPreprocessing(rows, Number(values['min-count']));
const features = new Matrix(rows.map((row) => encode(row, preprocessing)));

const regression = new LogisticRegression({
  numSteps: Number(values.steps),
  learningRate: Number(values.rate),
});
regression.train(features, Matrix.columnVector(labels));
// The library trains one classifier a class and scores "is another class"; the one of class 0 therefore scores the rare event.
const weights = regression.classifiers[0].weights.to1DArray();

const threshold = bestThreshold(scoreRows(rows, { weights, preprocessing }), labels);
const model = { weights, preprocessing, threshold };
writeModel(values.out, model);

const testRows = readCsv(values.test);
const metrics = evaluate(scoreRows(testRows, model), labelsOf(testRows), threshold);
writeFileSync(values.metrics, `${JSON.stringify(metrics, null, 2)}\n`);
process.stdout.write(`${values.out}: ${weights.length} weights, threshold ${threshold.toFixed(4)}\n`);
process.stdout.write(`${values.metrics}: ${JSON.stringify(metrics)}\n`);
