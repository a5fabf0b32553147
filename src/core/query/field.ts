import { nearestNames } from '../../lib/nearest.ts';
import type { Cursor } from './cursor.ts';
import { ownValue, type AttributeKind, type Entity, type Field, type QueryOptions } from './subject.ts';

const ENTITIES: Readonly<Record<string, Entity>> = {
  metric: 'metrics',
  metrics: 'metrics',
  param: 'params',
  params: 'params',
  parameter: 'params',
  parameters: 'params',
  tag: 'tags',
  tags: 'tags',
  attr: 'attributes',
  attribute: 'attributes',
  attributes: 'attributes',
  run: 'attributes',
  dataset: 'datasets',
  datasets: 'datasets',
};
const ENTITY_LIST = 'metrics., params., tags., attributes. or datasets.';

// Everything up to white space, an operator, a quote, a parenthesis or a comma; the entity ends at the first dot.
const NAME = /[^\s=!<>()'"`,.]+/y;
const KEY = /[^\s=!<>()'"`,]+/y;

/**
 * Reads `<entity>.<key>`, the key as it is or in backticks or double quotes. A name without a dot is an attribute.
 * @throws UsageError naming the position and the nearest known name
 */
export function readField(cursor: Cursor, options: QueryOptions): Field {
  const start = cursor.offset;
  const name = cursor.take(NAME);
  if (name === undefined) throw cursor.expected('a name such as metrics.accuracy');
  if (!cursor.takeSymbol('.'))
    return { entity: 'attributes', key: knownAttribute(cursor, name, { start, options }) };
  const entity = ownValue(ENTITIES, name.toLowerCase());
  if (entity === undefined) {
    const near = nearestNames(name, Object.keys(ENTITIES), 1)[0];
    throw cursor.expected(ENTITY_LIST, {
      offset: start,
      hint:
        near === undefined ? `a key with a dot is written metrics."${name}..."` : `did you mean ${near}.?`,
    });
  }
  const keyStart = cursor.offset;
  const key = cursor.takeQuoted('`"') ?? cursor.take(KEY);
  if (key === undefined || key === '') throw cursor.expected(`a key after ${name}.`, { offset: keyStart });
  if (entity !== 'attributes') return { entity, key };
  return { entity, key: knownAttribute(cursor, key, { start: keyStart, options }) };
}

/** How the field compares, as far as it is known before a value is seen. */
export function kindOf(field: Field, options: QueryOptions): AttributeKind | undefined {
  if (field.entity === 'metrics') return 'number';
  if (field.entity === 'attributes') return ownValue(options.attributes ?? {}, field.key);
  return 'string';
}

function knownAttribute(
  cursor: Cursor,
  name: string,
  { start, options }: { start: number; options: QueryOptions },
): string {
  const { attributes, aliases = {} } = options;
  const key = ownValue(aliases, name) ?? name;
  if (attributes === undefined || Object.hasOwn(attributes, key)) return key;
  const known = [...Object.keys(attributes), ...Object.keys(aliases)].toSorted();
  const near = nearestNames(name, known, 1)[0];
  throw cursor.expected('a known attribute', {
    offset: start,
    hint:
      near === undefined
        ? `metrics are written metrics.${name}, parameters params.${name}; attributes are ${known.join(', ')}`
        : `did you mean ${near}?`,
  });
}
