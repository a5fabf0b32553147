// Loads a model directory, scores a CSV file and writes the same metrics that train.mjs computed.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { labelsOf, readCsv } from './csv.mjs';
import { evaluate } from './metrics.mjs';
import { readModel, scoreRows } from './model.mjs';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'build/model' },
    data: { type: 'string', default: 'data/test.csv' },
    metrics: { type: 'string' },
  },
});

const model = readModel(values.model);
const rows = readCsv(values.data);
const metrics = evaluate(scoreRows(rows, model), labelsOf(rows), model.threshold);
if (values.metrics !== undefined) writeFileSync(values.metrics, `${JSON.stringify(metrics, null, 2)}\n`);
process.stdout.write(`${values.data}: ${JSON.stringify(metrics)}\n`);
