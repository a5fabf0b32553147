import { ConflictError, UsageError } from '../../errors.ts';
import type { Repository } from '../repository/repository.ts';
import { listModels, registrationsByLabel, type ModelState } from './model-state.ts';

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
  const taken = takenLabels(state);
  if (request.label !== undefined) {
    assertLabelFree(repository, request.label, [...taken]);
    return request.label;
  }
  if (request.bump !== undefined)
    return bumpLabel([...takenLabels(state, { leftovers: false })], request.bump);
  const stamp = repository
    .now()
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(/[-:]/g, '');
  let label = stamp;
  for (let count = 2; taken.has(label); count += 1) label = `${stamp}-${count}`;
  return label;
}

/** Labels of versions, of those whose record is damaged or gone, and of what interrupted saves left. */
function takenLabels(state: ModelState, { leftovers } = { leftovers: true }): Set<string> {
  const taken = new Set(registrationsByLabel(state.log).keys());
  for (const { kind, path } of state.problems) {
    if (kind === 'record') taken.add(path.slice(path.lastIndexOf('/') + 1).replace(/\.json$/, ''));
  }
  if (leftovers) for (const { record } of state.unregistered) taken.add(record.version);
  return taken;
}

/** @throws UsageError `LABEL_INVALID`; ConflictError `VERSION_EXISTS` */
export function assertLabelFree(repository: Repository, label: string, taken: readonly string[]): void {
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
export function bumpLabel(labels: readonly string[], bump: Bump): string {
  let newest = { prefix: 'v', parts: [0, 0, 0] };
  let found = false;
  for (const label of labels) {
    const match = SEMANTIC.exec(label);
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
