import * as z from 'zod';
import { IntegrityError, RefusedError } from '../../errors.ts';
import type { JsonValue } from '../../lib/canonical-json.ts';
import { parseJson } from '../../lib/parse-json.ts';
import { unsafePathProblem } from '../../lib/safe-path.ts';
import { Timestamp } from '../audit/index.ts';
import { digestOf } from '../repository/digest.ts';
import { encodeChecked, parseDocument } from '../repository/document.ts';
import { gitPath, recordPath } from '../repository/layout.ts';
import { Digest, ModelName, VersionLabel } from './names.ts';

export const LIMITS = {
  metricsFileBytes: 1024 * 1024,
  metrics: 1000,
  params: 1000,
  tags: 256,
  keyLength: 250,
  paramLength: 6000,
  tagLength: 8000,
  textLength: 20_000,
  data: 100,
} as const;

/** A metric as JSON can hold it; see {@link metricNumber}. */
export const MetricValue = z.lazy(() => z.union([z.number(), z.enum(['NaN', 'Infinity', '-Infinity'])]));
export type MetricValue = z.output<typeof MetricValue>;

const Key = z.lazy(() => z.string().min(1).max(LIMITS.keyLength));
const bounded = <S extends z.ZodType>(value: S, limit: number): z.ZodRecord<typeof Key, S> =>
  z.record(Key, value).refine((map) => Object.keys(map).length <= limit, `more than ${limit} entries`);

const TensorInfo = z.lazy(() =>
  z.object({
    name: z.string().max(1000),
    dtype: z.string().max(100),
    shape: z.array(z.union([z.number(), z.string().max(200), z.null()])).max(64),
  }),
);

const Signature = z.lazy(() =>
  z.object({ inputs: z.array(TensorInfo).max(1000), outputs: z.array(TensorInfo).max(1000) }),
);

export const Lineage = z.lazy(() =>
  z.looseObject({
    git: z
      .looseObject({
        commit: z.string().max(64).optional(),
        tree: z.string().max(64).optional(),
        branch: z.string().max(300).optional(),
        dirty: z.boolean(),
        diff: Digest.optional(),
        untracked: z.number().int().min(0),
        remote: z.string().max(2000).optional(),
      })
      .optional(),
    data: z
      .array(
        z.looseObject({
          role: Key,
          path: z.string().max(4096),
          digest: Digest,
          size: z.number().int().min(0),
        }),
      )
      .max(LIMITS.data)
      .optional(),
    environment: z.looseObject({}).optional(),
    parent: VersionLabel.optional(),
    run: z
      .string()
      .regex(/^[0-9a-f]{32}$/)
      .optional(),
  }),
);

// A function, because building schemas takes longer than a command that finds all records in the index.
const versionFields = () =>
  z.object({
    schema: z.literal('mlops.version/1'),
    model: ModelName,
    version: VersionLabel,
    digest: Digest,
    kind: z.enum(['file', 'directory']),
    size: z.number().int().min(0),
    files: z.number().int().min(0),
    path: z.string().refine((path) => unsafePathProblem(path) === undefined, 'is no safe path'),
    format: z.looseObject({
      name: z.string().max(100),
      framework: z.string().max(100),
      details: z.looseObject({}),
    }),
    signature: Signature.optional(),
    metrics: bounded(MetricValue, LIMITS.metrics),
    params: bounded(z.string().max(LIMITS.paramLength), LIMITS.params),
    tags: bounded(z.string().max(LIMITS.tagLength), LIMITS.tags),
    description: z.string().max(LIMITS.textLength).optional(),
    /** The artifact whose one file is the profile of the data that drift is measured against; `size` of that file. */
    referenceProfile: z.looseObject({ digest: Digest, size: z.number().int().min(0) }).optional(),
    lineage: Lineage,
    createdAt: Timestamp,
    createdBy: z.string().min(1).max(1000),
  });
export type VersionRecord = z.output<ReturnType<typeof versionFields>>;

/** The artifacts that a version is made of: its own, and the reference profile that it may have. */
export function artifactsOf({ digest, referenceProfile }: VersionRecord): string[] {
  return [...new Set([digest, ...(referenceProfile === undefined ? [] : [referenceProfile.digest])])];
}

/** docs/format.md section 5.2. Loose: members of a newer program are kept. */
const VersionDocument = z.lazy(() => versionFields().loose());

/** A record and the digest of its bytes, which its `saved` event must name. */
export interface StoredRecord {
  record: VersionRecord;
  recordDigest: string;
}

/** @throws IntegrityError `RECORD_DAMAGED` when the record is not that of its file name, and what `parseDocument` throws */
export function parseRecord(bytes: Uint8Array, file: { model: string; name: string }): StoredRecord {
  const label = file.name.replace(/\.json$/, '');
  const path = gitPath(recordPath(file.model, label));
  const record = parseOrRefuse(bytes, path);
  if (record.model !== file.model || record.version !== label) {
    throw new IntegrityError(
      'RECORD_DAMAGED',
      `${path}: is the record of ${record.model}@${record.version}`,
      {
        hint: `restore it from Git: git checkout HEAD -- ${path}`,
      },
    );
  }
  return { record, recordDigest: digestOf(bytes) };
}

/** @throws UsageError `LIMIT_EXCEEDED` for what a reader would refuse */
export function encodeRecord(record: VersionRecord): Uint8Array {
  return encodeChecked(record as unknown as JsonValue, VersionDocument, 'the record');
}

function parseOrRefuse(bytes: Uint8Array, path: string): z.output<typeof VersionDocument> {
  try {
    return parseDocument(bytes, VersionDocument, { path, canonical: true });
  } catch (error) {
    if (error instanceof IntegrityError && error.code === 'DOCUMENT_INVALID') refuseTraversal(bytes, path);
    throw error;
  }
}

const PathFields = z.lazy(() =>
  z.looseObject({
    model: z.string().optional().catch(undefined),
    version: z.string().optional().catch(undefined),
    path: z.string().optional().catch(undefined),
  }),
);

/**
 * Whatever may become part of a path must not lead out of where it belongs; that is an attack rather than damage.
 * @throws RefusedError `UNSAFE_PATH`
 */
export function refuseTraversal(bytes: Uint8Array, source: string): void {
  const fields = PathFields.safeParse(parseJson(bytes, { source })).data ?? {};
  for (const name of ['model', 'version', 'path'] as const) {
    const value = fields[name];
    const problem = value === undefined ? undefined : unsafePathProblem(value);
    if (problem === undefined) continue;
    throw new RefusedError('UNSAFE_PATH', `${source}: the member "${name}" is no safe path: ${problem}`, {
      hint: 'do not trust where this record comes from; nothing was written',
    });
  }
}

/** The number that a stored metric stands for. */
export function metricNumber(value: MetricValue): number {
  return typeof value === 'number' ? value : Number(value);
}

/** The stored form of a number; JSON has no NaN and no infinities. */
export function metricValue(value: number): MetricValue {
  if (Number.isFinite(value)) return value;
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? 'Infinity' : '-Infinity';
}
