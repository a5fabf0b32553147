import {
  columnSettings,
  type DriftCalibration,
  type DriftColumnSettings,
  type DriftSettings,
} from '../../../config/drift-settings.ts';
import { POLICY_NAMES, type PolicyKind } from './policy.ts';

/** Settings of one file. */
export interface DriftLayer {
  /** What people call the file: `.mlops/config.json`, `ci/drift.json`. */
  readonly file: string;
  /** `drift.` where the settings are a section of the file. */
  readonly prefix: string;
  readonly settings: DriftSettings;
  /** What the file says of single columns. */
  readonly columns: ReadonlyMap<string, readonly ColumnLayer[]>;
  /** What `mlops drift calibrate` wrote there, by column. */
  readonly floors: ReadonlyMap<string, readonly CalibratedFloor[]>;
}

export interface ColumnLayer {
  readonly settings: DriftColumnSettings;
  /** Where they stand in the section. */
  readonly path: string;
}

export interface CalibratedFloor {
  readonly limit: DriftCalibration['floors'][number]['limit'];
  readonly floor: number;
  readonly severity: DriftCalibration['severity'];
  /** When, and from how many comparisons. */
  readonly evidence: string;
}

export interface LayerOptions {
  file: string;
  prefix: string;
  settings: DriftSettings;
  withoutCalibration: boolean;
}

export function layerOf({ file, prefix, settings, withoutCalibration }: LayerOptions): DriftLayer {
  const columns = new Map<string, ColumnLayer[]>();
  for (const { column, path, settings: own } of columnSettings(settings.columns)) {
    const layers = columns.get(column) ?? [];
    layers.push({ settings: own, path });
    columns.set(column, layers);
  }
  const floors = withoutCalibration ? new Map<string, never>() : floorsOf(settings.calibration);
  return { file, prefix, settings, columns, floors };
}

function floorsOf(calibration: DriftCalibration | undefined): Map<string, CalibratedFloor[]> {
  const floors = new Map<string, CalibratedFloor[]>();
  if (calibration === undefined) return floors;
  const { severity, at, comparisons } = calibration;
  const evidence = `calibration of ${at.slice(0, 10)}, ${comparisons} comparisons`;
  for (const { column, limit, floor } of calibration.floors) {
    const found = floors.get(column) ?? [];
    found.push({ limit, floor, severity, evidence });
    floors.set(column, found);
  }
  return floors;
}

/** Where a setting stands, for people. */
export function originOf({ file, prefix }: DriftLayer, path: string): string {
  return `config ${file} ${prefix}${path}`;
}

export function defaultOrigin(kind: PolicyKind): string {
  return `default of ${POLICY_NAMES[kind]}`;
}
