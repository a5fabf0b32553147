import { ConflictError, UsageError } from '../../errors.ts';
import type { Repository } from '../repository/repository.ts';
import { listModels, type ModelState } from './model-state.ts';
import type { StoredRecord } from './record.ts';

export type Bump = 'patch' | 'minor' | 'major';

export interface LabelRequest {
  /** The label asked for; otherwise `bump`, otherwise a timestamp. */
  label?: string | undefined;
  bump?: Bump | undefined;
}

/**
 * The label of a new version: as asked for, the next semantic version, or the UTC time (`20261123T101500Z`), so that two branches
 * do not collide.
 *
 * @throws UsageError `LABEL_INVALID`; ConflictError `VERSION_EXISTS` for one that differs from an existing one in case only
 */
export function chooseLabel(repository: Repository, state: ModelState, request: LabelRequest): string {
  const taken = [
    ...state.versions.map(({ record }) => record),
    ...state.unregistered.map(({ record }) => record),
  ];
  if (request.label !== undefined) {
    assertLabelFree(
      repository,
      request.label,
      taken.map(({ version }) => version),
    );
    return request.label;
  }
  if (request.bump !== undefined) return bumpLabel(state.versions, request.bump);
  const stamp = repository
    .now()
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(/[-:]/g, '');
  const labels = new Set(taken.map(({ version }) => version));
  let label = stamp;
  for (let count = 2; labels.has(label); count += 1) label = `${stamp}-${count}`;
  return label;
}

function assertLabelFree(repository: Repository, label: string, taken: readonly string[]): void {
  if (repository.config.stages.includes(label)) {
    throw new UsageError('LABEL_INVALID', `"${label}" is the name of a stage, so it can't be a version`, {
      hint: 'choose another label, for example v1.0.0',
    });
  }
  const twin = taken.find((other) => other !== label && other.toLowerCase() === label.toLowerCase());
  if (twin === undefined) return;
  throw new ConflictError(
    'VERSION_EXISTS',
    `"${label}" differs from the version "${twin}" only in letter case`,
    {
      hint: "choose another label; some file systems can't tell the two apart",
      retryable: false,
    },
  );
}

const SEMANTIC = /^(v?)(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})$/;

/** From the newest semantic version of the model (deleted ones count: a label is never used twice); `v` is kept. */
export function bumpLabel(versions: readonly Pick<StoredRecord, 'record'>[], bump: Bump): string {
  let newest = { prefix: 'v', parts: [0, 0, 0] };
  let found = false;
  for (const { record } of versions) {
    const match = SEMANTIC.exec(record.version);
    if (match === null) continue;
    const parts = [Number(match[2]), Number(match[3]), Number(match[4])];
    if (!found || compareParts(parts, newest.parts) > 0) newest = { prefix: match[1] ?? '', parts };
    found = true;
  }
  const [major = 0, minor = 0, patch = 0] = newest.parts;
  if (bump === 'major') return `${newest.prefix}${major + 1}.0.0`;
  if (bump === 'minor') return `${newest.prefix}${major}.${minor + 1}.0`;
  return `${newest.prefix}${major}.${minor}.${patch + 1}`;
}

function compareParts(left: readonly number[], right: readonly number[]): number {
  for (const [index, part] of left.entries()) {
    const difference = part - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** @throws ConflictError `MODEL_EXISTS` when a model differs from an existing one only in letter case */
export async function assertModelNameFree(repository: Repository, model: string): Promise<void> {
  const models = await listModels(repository.documents);
  const twin = models.find((other) => other !== model && other.toLowerCase() === model.toLowerCase());
  if (twin === undefined) return;
  throw new ConflictError('MODEL_EXISTS', `"${model}" differs from the model "${twin}" only in letter case`, {
    hint: `did you mean ${twin}?`,
    retryable: false,
  });
}
