import { MalformedError, newDraft, settle, type Draft } from './inspection.ts';
import { printable } from './printable.ts';
import { head, type RandomAccess } from './random-access.ts';

const MAX_HEADER = 4 * 1024 * 1024;

/** Reads the header lines of a LightGBM text model, up to the first tree. */
export async function inspectLightgbm(source: RandomAccess): Promise<Draft> {
  return settle(newDraft('lightgbm-text', 'lightgbm'), async (draft) => {
    const text = (await head(source, MAX_HEADER)).toString('utf8').replaceAll('\r\n', '\n');
    const end = text.indexOf('\n\n');
    const values = new Map<string, string>();
    for (const line of text.slice(0, end === -1 ? undefined : end).split('\n')) {
      const equals = line.indexOf('=');
      if (equals > 0) values.set(line.slice(0, equals), line.slice(equals + 1));
    }
    const { details } = draft;
    const version = values.get('version');
    const objective = values.get('objective');
    if (version !== undefined) details['version'] = printable(version);
    if (objective !== undefined) details['objective'] = printable(objective);
    const classes = count(values, 'num_class');
    if (classes !== undefined) details['classes'] = classes;
    const lastFeature = count(values, 'max_feature_idx');
    if (lastFeature !== undefined) details['features'] = lastFeature + 1;
    const sizes = values.get('tree_sizes');
    if (sizes !== undefined) details['trees'] = sizes.split(' ').filter((size) => size !== '').length;
    if (end === -1) throw new MalformedError('the header has no end');
    if (version === undefined || lastFeature === undefined)
      throw new MalformedError('the header names no version or no features');
  });
}

function count(values: ReadonlyMap<string, string>, key: string): number | undefined {
  const text = values.get(key);
  if (text === undefined) return undefined;
  if (!/^[0-9]{1,9}$/.test(text)) throw new MalformedError(`${key} is ${printable(text.slice(0, 40))}`);
  return Number(text);
}
