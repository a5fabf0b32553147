import type { DriftFailOn } from '../../../config/drift-names.ts';
import type { DriftSettings } from '../../../config/drift-settings.ts';
import { matchesName, type NamedColumn, namedColumns } from './column-names.ts';
import { columnRules } from './column-rules.ts';
import { defaultOrigin, type DriftLayer, layerOf, originOf } from './layers.ts';
import type { Resolved } from './limits.ts';
import { type PolicyOptions, readOptions, type ReadOptions } from './options.ts';
import { type ColumnRules, type DriftPolicy, POLICY_NAMES, type PolicyKind } from './policy.ts';

export interface PolicySources {
  /** As `Config.drift` has them: of the repository and of this clone, the weaker one first. */
  readonly config?:
    | readonly {
        readonly origin: 'config.json' | 'local.json';
        readonly settings: DriftSettings;
      }[]
    | undefined;
  /** The file of `--config`, with its path as typed. */
  readonly configFile?: { readonly source: string; readonly settings: DriftSettings } | undefined;
  readonly options?: PolicyOptions;
  /** Leaves out what `mlops drift calibrate` found, so that it does not build on itself. Default false. */
  readonly withoutCalibration?: boolean;
}

/** A policy that knows where it comes from. */
export interface ResolvedPolicy extends DriftPolicy {
  readonly failOn: Resolved<DriftFailOn>;
  /** The columns that settings and options name; see `checkNamedColumns`. */
  readonly named: readonly NamedColumn[];
  /** Of some names those that `--columns` lists or matches; undefined where all columns are to be compared. */
  chosen(names: readonly string[]): readonly string[] | undefined;
}

/** `psi` tests nothing; its alpha is that of the checks beside it. */
const DEFAULT_ALPHA: Readonly<Record<PolicyKind, number>> = { default: 0.01, pvalue: 0.05, psi: 0.01 };

/**
 * The rules of one run: defaults < `.mlops/config.json` < `.mlops/local.json` < `--config` < options. Each value comes with its origin.
 *
 * What is said of one column beats what is said of all of them, whichever file it stands in; options beat both. An alpha belongs to the
 * policy that it was written for: a source that chooses another policy than the weaker ones goes back to the default alpha of that policy,
 * unless the same or a stronger source has an alpha.
 *
 * @throws UsageError `INVALID_INPUT` for an option that can not be
 */
export function resolvePolicy(sources: PolicySources): ResolvedPolicy {
  const layers = layersOf(sources);
  const options = readOptions(sources.options ?? {});
  const { kind, alpha } = kindAndAlpha(layers, options);
  const pick = <Key extends PickedKey>(key: Key, option: Picked<Key>): Resolved<Value<Key>> =>
    strongest({ layers, key, option, fallback: { value: DEFAULTS[key], origin: defaultOrigin(kind) } });
  const known = new Map<string, ColumnRules>();
  return {
    kind,
    name: POLICY_NAMES[kind],
    alpha,
    failOn: pick('failOn', { name: '--fail-on', value: options.failOn }),
    failOnInconclusive: pick('failOnInconclusive', {
      name: '--fail-on-inconclusive',
      value: options.failOnInconclusive,
    }),
    isWeighted: isWeighted(layers, options),
    named: namedColumns(layers, options),
    chosen: (names) =>
      options.columns === undefined
        ? undefined
        : names.filter((name) => options.columns?.some((pattern) => matchesName(pattern, name))),
    column: (name) => {
      const found = known.get(name) ?? columnRules(name, { kind, layers, options });
      known.set(name, found);
      return found;
    },
  };
}

function layersOf({ config = [], configFile, withoutCalibration = false }: PolicySources): DriftLayer[] {
  const layers = config.map(({ origin, settings }) =>
    layerOf({ file: `.mlops/${origin}`, prefix: 'drift.', settings, withoutCalibration }),
  );
  if (configFile === undefined) return layers;
  const { source, settings } = configFile;
  return [...layers, layerOf({ file: source, prefix: '', settings, withoutCalibration })];
}

function kindAndAlpha(
  layers: readonly DriftLayer[],
  options: ReadOptions,
): { kind: PolicyKind; alpha: Resolved<number> } {
  const sources = [
    ...layers.map((layer) => ({
      policy: layer.settings.policy,
      alpha: layer.settings.alpha,
      origin: originOf(layer, 'alpha'),
    })),
    { policy: options.policy, alpha: options.alpha, origin: '--alpha' },
  ];
  let kind: PolicyKind = 'default';
  let alpha: Resolved<number> | undefined;
  for (const source of sources) {
    if (source.policy !== undefined && source.policy !== kind) {
      kind = source.policy;
      alpha = undefined;
    }
    if (source.alpha !== undefined) alpha = { value: source.alpha, origin: source.origin };
  }
  return { kind, alpha: alpha ?? { value: DEFAULT_ALPHA[kind], origin: defaultOrigin(kind) } };
}

type PickedKey = 'failOn' | 'failOnInconclusive';
type Value<Key extends PickedKey> = NonNullable<DriftSettings[Key]>;

interface Picked<Key extends PickedKey> {
  readonly name: string;
  readonly value: Value<Key> | undefined;
}

const DEFAULTS: { readonly [Key in PickedKey]: Value<Key> } = { failOn: 'medium', failOnInconclusive: false };

function strongest<Key extends PickedKey>({
  layers,
  key,
  option,
  fallback,
}: {
  layers: readonly DriftLayer[];
  key: Key;
  option: Picked<Key>;
  fallback: Resolved<Value<Key>>;
}): Resolved<Value<Key>> {
  if (option.value !== undefined) return { value: option.value, origin: option.name };
  for (const layer of layers.toReversed()) {
    const value = layer.settings[key];
    if (value !== undefined) return { value, origin: originOf(layer, key) };
  }
  return fallback;
}

function isWeighted(layers: readonly DriftLayer[], options: ReadOptions): boolean {
  const inFile = ({ columns }: DriftLayer): boolean =>
    [...columns.values()].some((own) => own.some(({ settings }) => settings.weight !== undefined));
  return options.weights !== undefined || layers.some(inFile);
}
