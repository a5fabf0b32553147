import type { DriftColumnSettings } from '../../../config/drift-settings.ts';
import { matchesName } from './column-names.ts';
import { defaultOrigin, type DriftLayer, originOf } from './layers.ts';
import {
  DEFAULT_LIMITS,
  type LimitName,
  type Limits,
  overwrite,
  raised,
  type Resolved,
  SHAPE_LIMITS,
  withFloor,
} from './limits.ts';
import type { ReadOptions } from './options.ts';
import type { ColumnRules, PolicyKind } from './policy.ts';

export interface RuleSources {
  readonly kind: PolicyKind;
  /** The weakest first. */
  readonly layers: readonly DriftLayer[];
  readonly options: ReadOptions;
}

/** What holds for one column. Limits are worked out when they are asked for, as most never are. */
export function columnRules(name: string, sources: RuleSources): ColumnRules {
  const limits = new Map<LimitName, Resolved<Limits>>();
  return {
    ignored: ignoredOf(name, sources),
    type: typeOf(name, sources),
    weight: weightOf(name, sources),
    limits: (limit) => {
      const found = limits.get(limit) ?? limitsOf(name, limit, sources);
      limits.set(limit, found);
      return found;
    },
  };
}

function ignoredOf(name: string, { kind, layers, options }: RuleSources): Resolved<boolean> {
  if (options.exclude.some((pattern) => matchesName(pattern, name)))
    return { value: true, origin: '--exclude' };
  // What is not listed there is not selected at all; a listed column is wanted, whatever the settings say.
  if (options.columns?.some((pattern) => matchesName(pattern, name)) === true) {
    return { value: false, origin: '--columns' };
  }
  const own = ownSetting(name, 'ignore', layers);
  if (own !== undefined) return own;
  for (const layer of layers.toReversed()) {
    const at = (layer.settings.ignore ?? []).findIndex((pattern) => matchesName(pattern, name));
    if (at !== -1) return { value: true, origin: originOf(layer, `ignore.${at}`) };
  }
  return { value: false, origin: defaultOrigin(kind) };
}

function typeOf(name: string, { layers, options }: RuleSources): ColumnRules['type'] {
  const typed = options.types.get(name);
  return typed === undefined ? ownSetting(name, 'type', layers) : { value: typed, origin: '--type' };
}

function weightOf(name: string, { kind, layers, options }: RuleSources): Resolved<number> {
  const { weights } = options;
  const given = weights?.weights.get(name);
  if (weights !== undefined && given !== undefined)
    return { value: given, origin: `--weights ${weights.source}` };
  return ownSetting(name, 'weight', layers) ?? { value: 1, origin: defaultOrigin(kind) };
}

type OwnKey = 'ignore' | 'type' | 'weight';

/** What the strongest file says of the column by its name. */
function ownSetting<Key extends OwnKey>(
  name: string,
  key: Key,
  layers: readonly DriftLayer[],
): Resolved<NonNullable<DriftColumnSettings[Key]>> | undefined {
  for (const layer of layers.toReversed()) {
    for (const { settings, path } of (layer.columns.get(name) ?? []).toReversed()) {
      const value = settings[key];
      if (value !== undefined) return { value, origin: originOf(layer, `${path}.${key}`) };
    }
  }
  return undefined;
}

/**
 * Of all columns first, then of this one; within each the stronger file later, and within one file the floor `effect` before the limit by its
 * name. A calibrated floor comes last in its file: it raises what stands there, and never lowers it.
 */
function limitsOf(name: string, limit: LimitName, { kind, layers }: RuleSources): Resolved<Limits> {
  let found: Resolved<Limits> = { value: DEFAULT_LIMITS[limit], origin: defaultOrigin(kind) };
  for (const layer of layers) found = written(found, limit, { layer, path: '', settings: layer.settings });
  for (const layer of layers) {
    for (const { settings, path } of layer.columns.get(name) ?? []) {
      found = written(found, limit, { layer, path: `${path}.`, settings });
    }
    found = calibrated(found, limit, { layer, name });
  }
  return found;
}

interface Writing {
  layer: DriftLayer;
  /** What goes before the key in the origin. */
  path: string;
  settings: Pick<DriftColumnSettings, 'effect' | 'limits'>;
}

function written(
  limits: Resolved<Limits>,
  limit: LimitName,
  { layer, path, settings: { effect, limits: byName } }: Writing,
): Resolved<Limits> {
  let found = limits;
  // A limit that was switched off stays so.
  if (effect !== undefined && SHAPE_LIMITS.has(limit) && found.value.medium < Infinity) {
    found = { value: withFloor(limit, found.value, effect), origin: originOf(layer, `${path}effect`) };
  }
  const own = byName?.[limit];
  if (own === undefined) return found;
  return { value: overwrite(found.value, own), origin: originOf(layer, `${path}limits.${limit}`) };
}

function calibrated(
  limits: Resolved<Limits>,
  limit: LimitName,
  { layer, name }: { layer: DriftLayer; name: string },
): Resolved<Limits> {
  let found = limits;
  for (const { limit: raisedLimit, severity, floor, evidence } of layer.floors.get(name) ?? []) {
    if (raisedLimit !== limit || found.value[severity] >= floor) continue;
    found = {
      value: raised(found.value, severity, floor),
      origin: `${originOf(layer, 'calibration')} (${evidence})`,
    };
  }
  return found;
}
