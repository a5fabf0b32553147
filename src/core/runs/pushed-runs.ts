import { createHash, randomBytes } from 'node:crypto';
import * as z from 'zod';
import type { JsonValue } from '../../lib/canonical-json.ts';
import type { ObjectKey, ObjectStore } from '../../storage/object-store.ts';
import { Timestamp } from '../audit/index.ts';
import { encodeChecked, parseDocument } from '../repository/document.ts';
import { ExperimentDocument } from './experiment-document.ts';
import { isLoggedModelId, isRunId, RUN_LIMITS } from './limits.ts';

const Digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);
/** More runs go into another document. */
export const RUNS_PER_PUSH = 5000;

const PushedRun = z.object({
  id: z.string().refine((id) => isRunId(id) || isLoggedModelId(id), 'is no id of a run'),
  month: z.string().regex(/^\d{4}-(?:0[1-9]|1[0-2])$/),
  name: z.string().max(RUN_LIMITS.nameLength),
  version: Digest,
  artifacts: z.array(Digest).max(RUN_LIMITS.entries),
});

/** docs/format.md section 5.9. Loose, as a newer program may add members. */
const PushedRuns = z.lazy(() =>
  z.looseObject({
    schema: z.literal('mlops.pushed-runs/1'),
    pushedAt: Timestamp,
    digest: Digest,
    runs: z.array(PushedRun).max(RUNS_PER_PUSH),
    experiments: z.array(ExperimentDocument).max(RUN_LIMITS.entries),
  }),
);
export type PushedRuns = z.output<typeof PushedRuns>;
export type PushedRun = z.output<typeof PushedRun>;

/** One push as a remote holds it. */
export interface FoundPush {
  readonly name: string;
  readonly document: PushedRuns;
}

/** Every push that a remote holds, the latest first. @throws RemoteError, IntegrityError when any can't be listed or read */
export async function listPushes(remote: ObjectStore): Promise<FoundPush[]> {
  const names: string[] = [];
  for await (const { key } of remote.list('runs')) names.push(key.name);
  const found: FoundPush[] = [];
  for (let at = 0; at < names.length; at += AT_ONCE) {
    const some = names.slice(at, at + AT_ONCE);
    const read = await Promise.all(
      some.map(async (name) => ({ name, bytes: await remote.get({ kind: 'runs', name }) })),
    );
    for (const { name, bytes } of read)
      found.push({
        name,
        document: parseDocument(bytes, PushedRuns, { path: `the remote's runs/${name}`, canonical: true }),
      });
  }
  const orderOf = ({ name, document }: FoundPush): string => `${document.pushedAt} ${name}`;
  return found.toSorted((first, second) => (orderOf(first) > orderOf(second) ? -1 : 1));
}

const AT_ONCE = 16;

/** A run in the push that counts for it. */
export interface LatestPush {
  readonly run: PushedRun;
  readonly push: FoundPush;
}

/** By id. @param pushes the latest first */
export function latestOf(pushes: readonly FoundPush[]): Map<string, LatestPush> {
  const latest = new Map<string, LatestPush>();
  for (const push of pushes)
    for (const run of push.document.runs) if (!latest.has(run.id)) latest.set(run.id, { run, push });
  return latest;
}

/** Every artifact that pushed runs need, as `sha256:` digests. */
export function neededByPushes(pushes: readonly FoundPush[]): Set<string> {
  const needed = new Set<string>();
  for (const { document } of pushes) {
    needed.add(document.digest);
    for (const { artifacts } of document.runs) for (const digest of artifacts) needed.add(digest);
  }
  return needed;
}

/** The object of a push. @throws UsageError `LIMIT_EXCEEDED` */
export function encodePush(document: Omit<PushedRuns, 'schema'>): { key: ObjectKey; bytes: Uint8Array } {
  const value = { schema: 'mlops.pushed-runs/1', ...document } as unknown as JsonValue;
  const bytes = encodeChecked(value, PushedRuns, 'the list of pushed runs');
  const mark = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
  return { key: { kind: 'runs', name: `${randomBytes(16).toString('hex')}-${mark}` }, bytes };
}
