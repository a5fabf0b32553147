import type { JsonValue } from '../../lib/canonical-json.ts';
import { MalformedError, newDraft, settle, type Draft } from './inspection.ts';
import { outlineJson } from './json-outline.ts';
import { printable } from './printable.ts';
import type { RandomAccess } from './random-access.ts';
import { outlineUbjson } from './ubjson-outline.ts';
import type { Outline } from './xgboost-outline.ts';

const LEARNER = 'learner';
const PARAMETERS = `${LEARNER}.learner_model_param`;

/** Reads an XGBoost model saved as JSON, in one pass that keeps a few values. */
export async function inspectXgboostJson(source: RandomAccess): Promise<Draft> {
  return settle(newDraft('xgboost-json', 'xgboost'), async (draft) => {
    await read(draft, (found) => outlineJson(source, found));
  });
}

/** Reads an XGBoost model saved as Universal Binary JSON; arrays are stepped over. */
export async function inspectXgboostUbj(source: RandomAccess): Promise<Draft> {
  return settle(newDraft('xgboost-ubj', 'xgboost'), async (draft) => {
    await read(draft, (found) => outlineUbjson(source, found));
  });
}

async function read(draft: Draft, walk: (found: Outline) => Promise<void>): Promise<void> {
  const found: Outline = new Map();
  try {
    await walk(found);
  } finally {
    describe(draft, found);
  }
  if (!found.has(`${LEARNER}.gradient_booster.name`))
    throw new MalformedError('the learner names no booster');
}

function describe(draft: Draft, found: Outline): void {
  const set = (key: string, value: JsonValue | undefined): void => {
    if (value !== undefined) draft.details[key] = typeof value === 'string' ? printable(value) : value;
  };
  const booster = `${LEARNER}.gradient_booster`;
  const version = [0, 1, 2].map((index) => found.get(`version.${index}`));
  if (version.every((part) => part !== undefined)) set('version', version.join('.'));
  set('booster', found.get(`${booster}.name`));
  set('objective', found.get(`${LEARNER}.objective.name`));
  set(
    'trees',
    wholeNumber(
      found.get(`${booster}.model.gbtree_model_param.num_trees`) ??
        found.get(`${booster}.gbtree.model.gbtree_model_param.num_trees`),
    ),
  );
  set('features', wholeNumber(found.get(`${PARAMETERS}.num_feature`)));
  set('classes', wholeNumber(found.get(`${PARAMETERS}.num_class`)));
}

function wholeNumber(value: string | number | undefined): number | undefined {
  const number = typeof value === 'string' && /^[0-9]{1,15}$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) ? number : undefined;
}
