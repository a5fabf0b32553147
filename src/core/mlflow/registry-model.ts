import { UsageError } from '../../errors.ts';
import { followUpInGit, listModels, loadModel, ModelName, parseModelDocument } from '../registry/index.ts';
import type { ModelState, VersionState } from '../registry/index.ts';
import { encodeDocument } from '../repository/document.ts';
import { gitPath, modelPath } from '../repository/layout.ts';
import type { Repository } from '../repository/repository.ts';
import type { Reply, Tracking } from './endpoint.ts';
import { invalid, notFound } from './errors.ts';
import { pairsOf } from './fields.ts';

/** What `model.json` says. */
export interface ModelNotes {
  readonly description: string | undefined;
  readonly tags: ReadonlyMap<string, string>;
}

export interface RegisteredModel {
  readonly state: ModelState;
  readonly notes: ModelNotes;
}

/** A version with MLflow's number for it: its rank by time, deleted ones counted, so that a number is never given twice. */
export interface NumberedVersion {
  readonly number: number;
  readonly version: VersionState;
}

/** @throws MlflowError `INVALID_PARAMETER_VALUE` for a name that the registry can't have */
export function assertModelName(name: string): void {
  const result = ModelName.safeParse(name);
  if (!result.success)
    throw invalid(`Invalid name: ${result.error.issues[0]?.message ?? 'not a model name'}`);
}

/** @throws MlflowError `RESOURCE_DOES_NOT_EXIST` */
export async function registeredModel(repository: Repository, name: string): Promise<RegisteredModel> {
  assertModelName(name);
  if (!(await listModels(repository.documents)).includes(name))
    throw notFound(`Registered Model with name=${name} not found`);
  const [state, bytes] = await Promise.all([
    loadModel(repository, name),
    repository.documents.read(modelPath(name)),
  ]);
  if (bytes === undefined) return { state, notes: { description: undefined, tags: new Map() } };
  const { description, tags } = parseModelDocument(bytes, name);
  return { state, notes: { description, tags: new Map(Object.entries(tags ?? {})) } };
}

export function numbered({ versions }: ModelState): NumberedVersion[] {
  return versions
    .map((version, index) => ({ number: index + 1, version }))
    .filter(({ version }) => version.deleted === undefined);
}

/** @throws MlflowError `INVALID_PARAMETER_VALUE`, `RESOURCE_DOES_NOT_EXIST` */
export function versionOf(state: ModelState, text: string): NumberedVersion {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw invalid('Model version must be an integer');
  const found = numbered(state).find(({ number }) => String(number) === text);
  if (found === undefined) throw notFound(`Model Version (name=${state.model}, version=${text}) not found`);
  return found;
}

/** Writes `model.json`, or creates it. @throws ConflictError `LOCKED` */
export async function changeNotes(
  { repository, warn }: Tracking,
  name: string,
  change: (notes: { description?: string | undefined; tags: Map<string, string> }) => void,
): Promise<void> {
  const { documents } = repository;
  const held = await repository.lock.acquire(`describe ${name}`);
  try {
    const bytes = await documents.read(modelPath(name));
    const found = bytes === undefined ? undefined : parseModelDocument(bytes, name);
    const notes = { description: found?.description, tags: new Map(Object.entries(found?.tags ?? {})) };
    change(notes);
    const {
      description: _description,
      tags: _tags,
      ...kept
    } = found ?? { schema: 'mlops.model/1', model: name };
    const next = {
      ...kept,
      ...(notes.description === undefined ? {} : { description: notes.description }),
      ...(notes.tags.size === 0 ? {} : { tags: Object.fromEntries(notes.tags) }),
    };
    await held.assertHeld();
    await documents.write(modelPath(name), encodeDocument(next));
  } finally {
    await held.release();
  }
  await stage({ repository, warn }, [gitPath(modelPath(name))], name);
}

/** Adds to Git's index what was written, as the commands do. */
export async function stage(
  { repository, warn }: Pick<Tracking, 'repository' | 'warn'>,
  written: readonly string[],
  model: string,
): Promise<void> {
  const { problem } = await followUpInGit(repository, { written, commit: false, message: model });
  if (problem !== undefined) warn(`${model}: what was written is not in Git's index: ${problem}`);
}

export function assertTag(key: string, value: string): void {
  if (key.length > 250 || value.length > 5000 || key === '__proto__')
    throw new UsageError('LIMIT_EXCEEDED', 'a tag has at most 250 characters as a key and 5000 as a value');
}

export function modelReply({ state, notes }: RegisteredModel): Reply {
  const versions = numbered(state);
  const times = versions.map(({ version }) => Date.parse(version.record.createdAt));
  return {
    name: state.model,
    creation_timestamp: Math.min(...times, times[0] ?? 0),
    last_updated_timestamp: Math.max(0, ...times),
    description: notes.description ?? '',
    latest_versions: latestByStage(versions).map(versionReply),
    tags: pairsOf(notes.tags),
    aliases: versions.flatMap(({ number, version }) =>
      version.stages.map((alias) => ({ alias, version: String(number) })),
    ),
  };
}

/** The newest version of each of MLflow's stages. */
export function latestByStage(versions: readonly NumberedVersion[]): NumberedVersion[] {
  return [...new Map(versions.map((each) => [currentStage(each.version), each])).values()];
}

export function currentStage({ stages, deprecated }: VersionState): string {
  if (stages.includes('production')) return 'Production';
  if (stages.includes('staging')) return 'Staging';
  return deprecated === undefined ? 'None' : 'Archived';
}

/** Tag in which the label of a version is told to clients, which know numbers only. */
const LABEL = 'mlops.version';
/** Tags in which a version keeps what a client said of where it came from. */
export const SOURCE = 'mlflow.source';
export const MODEL_ID = 'mlflow.modelId';

export function versionReply({ number, version }: NumberedVersion): Reply {
  const { record, tags, description, stages } = version;
  const created = Date.parse(record.createdAt);
  const said = new Map(Object.entries(tags));
  const shown = new Map([...said, [LABEL, record.version]]);
  shown.delete(SOURCE);
  shown.delete(MODEL_ID);
  return {
    name: record.model,
    version: String(number),
    creation_timestamp: created,
    last_updated_timestamp: created,
    current_stage: currentStage(version),
    description: description ?? '',
    source: said.get(SOURCE) ?? versionUri(version),
    run_id: record.lineage.run ?? '',
    model_id: said.get(MODEL_ID),
    status: 'READY',
    tags: pairsOf(shown),
    aliases: stages,
  };
}

/** Where clients fetch the files of a version. */
export function versionUri({ record }: VersionState): string {
  return `mlflow-artifacts:/registry/${record.model}/${record.version}`;
}

/** Tags as filters see them. Clients ask for what is no prompt, and mean that of models that say nothing of it too. */
export function filterTags(tags: Readonly<Record<string, string>>): Record<string, string> {
  return { 'mlflow.prompt.is_prompt': 'false', ...tags };
}
