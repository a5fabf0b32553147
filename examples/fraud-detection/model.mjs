import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encode } from './features.mjs';
import { readSafetensors, writeSafetensors } from './safetensors.mjs';

const WEIGHTS = 'model.safetensors';
const PREPROCESSING = 'preprocessing.json';

/** A model is a directory: the weights, and how a row of the CSV becomes the numbers they are multiplied with. */
export function writeModel(directory, { weights, preprocessing, threshold }) {
  mkdirSync(directory, { recursive: true });
  writeSafetensors(join(directory, WEIGHTS), { weights }, { model: 'logistic-regression' });
  writeFileSync(
    join(directory, PREPROCESSING),
    `${JSON.stringify({ ...preprocessing, threshold }, null, 2)}\n`,
  );
}

export function readModel(directory) {
  const { threshold, ...preprocessing } = JSON.parse(readFileSync(join(directory, PREPROCESSING), 'utf8'));
  const { weights } = readSafetensors(join(directory, WEIGHTS)).vectors;
  return { weights, preprocessing, threshold };
}

/** Probability of the rare event for every row. */
export function scoreRows(rows, { weights, preprocessing }) {
  return rows.map((row) => {
    const features = encode(row, preprocessing);
    if (features.length !== weights.length) {
      throw new Error(`the model has ${weights.length} weights for ${features.length} features`);
    }
    const logit = features.reduce((sum, feature, index) => sum + feature * weights[index], 0);
    return 1 / (1 + Math.exp(-logit));
  });
}
