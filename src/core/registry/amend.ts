import { ConflictError, RefusedError, UsageError } from '../../errors.ts';
import type { Repository } from '../repository/repository.ts';
import { commitSection, type NewEvent } from './commit-section.ts';
import type { ModelState, VersionState } from './model-state.ts';
import { resolveVersion } from './resolve-version.ts';

export interface Amended {
  model: string;
  version: string;
  /** Id of the event; undefined when the version said so already and nothing was written. */
  event: string | undefined;
  written: readonly string[];
}

export interface AnnotateRequest {
  reference: string;
  /** An empty value removes the tag. */
  tags: ReadonlyMap<string, string>;
  description?: string | undefined;
}

/** Changes notes on an immutable version, by an event. @throws UsageError `NOTHING_TO_DO`, and as `resolveVersion` */
export async function annotate(repository: Repository, request: AnnotateRequest): Promise<Amended> {
  const { reference, tags, description } = request;
  if (tags.size === 0 && description === undefined) {
    throw new UsageError('NOTHING_TO_DO', 'neither a tag nor a description was given', {
      hint: `for example: mlops annotate ${reference} --tag reviewed=yes`,
    });
  }
  return amend(repository, reference, (version) => {
    const sameTags = [...tags].every(([key, value]) => (version.tags[key] ?? '') === value);
    if (sameTags && (description === undefined || description === version.description)) return undefined;
    const changes = {
      ...(tags.size === 0 ? {} : { tags: Object.fromEntries(tags) }),
      ...(description === undefined ? {} : { description }),
    };
    return { type: 'annotated', changes };
  });
}

/** Says that a version should not be used any more. It stays where it is. */
export async function deprecate(repository: Repository, reference: string, reason: string): Promise<Amended> {
  return amend(repository, reference, (version) =>
    version.deprecated === undefined ? { type: 'deprecated', reason } : undefined,
  );
}

/**
 * Takes a version out of the registry by an event. Its record stays as evidence; its bytes lose their hold.
 * @throws RefusedError `VERSION_HELD` while a stage holds it
 */
export async function deleteVersion(
  repository: Repository,
  reference: string,
  reason: string,
): Promise<Amended> {
  return amend(repository, reference, (version, state) => {
    const { model, version: label, digest } = version.record;
    const [stage] = version.stages;
    if (stage !== undefined) {
      throw new RefusedError(
        'VERSION_HELD',
        `${model}@${label} can't be deleted: ${version.stages.join(' and ')} ${version.stages.length === 1 ? 'holds' : 'hold'} it`,
        {
          hint: `move the stage first: mlops promote ${model}@<other version> --to ${stage}`,
        },
      );
    }
    const unsettled = unsettledStage(state, label);
    if (unsettled !== undefined) {
      throw new RefusedError(
        'VERSION_HELD',
        `${model}@${label} can't be deleted: ${unsettled.stage} may hold it, and is not settled`,
        unsettled.hint === undefined ? {} : { hint: unsettled.hint },
      );
    }
    return { type: 'deleted', reason, digest };
  });
}

/** A stage that can't be trusted, such as one with a merge conflict, and that may turn out to hold this version. */
function unsettledStage(
  state: ModelState,
  label: string,
): { stage: string; hint: string | undefined } | undefined {
  for (const [stage, stageState] of state.stages) {
    if (stageState.status === 'ok') continue;
    const pointed = stageState.status === 'behind' && stageState.pointer?.version === label;
    if (pointed || stageState.tips.some(({ to }) => to === label))
      return { stage, hint: stageState.problem.hint };
  }
  return undefined;
}

type Amendment = Pick<NewEvent, 'type' | 'reason' | 'digest' | 'changes'>;

/** Decides under the lock, on the state as it is then; `decide` gives nothing when there is nothing to change. */
async function amend(
  repository: Repository,
  reference: string,
  decide: (version: VersionState, state: ModelState) => Amendment | undefined,
): Promise<Amended> {
  const before = await resolveVersion(repository, reference);
  const { model, version } = before.version.record;
  decide(before.version, before.state);
  const { result, written } = await commitSection(
    repository,
    `amend ${model}@${version}`,
    async (section) => {
      const now = await resolveVersion(repository, `${model}@${version}`);
      if (now.version.recordDigest !== before.version.recordDigest) {
        throw new ConflictError('VERSION_CHANGED', `${model}@${version} was replaced meanwhile`, {
          hint: 'run the same command again',
        });
      }
      const amendment = decide(now.version, now.state);
      if (amendment === undefined) return undefined;
      return section.appendEvent({ subject: { model, version }, ...amendment }, now.state.log);
    },
  );
  return { model, version, event: result?.id, written };
}
