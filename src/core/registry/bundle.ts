import * as z from 'zod';
import { ConflictError, IntegrityError, type MlopsError, RefusedError, UsageError } from '../../errors.ts';
import type { BundleSink, ImportedObjects } from '../../storage/artifact-store.ts';
import type { Manifest } from '../../storage/manifest.ts';
import type { BundleEntry, WrittenBundle } from '../../storage/bundle-files.ts';
import { eventPath } from '../audit/index.ts';
import { digestOf } from '../repository/digest.ts';
import { encodeDocument, parseDocument } from '../repository/document.ts';
import { assertWritable } from '../repository/format.ts';
import { modelPath, recordPath } from '../repository/layout.ts';
import type { Repository } from '../repository/repository.ts';
import { commitSection } from './commit-section.ts';
import { assertHarmlessTarget } from './harmless-target.ts';
import { loadModel, registrationsByLabel, type ModelState, type VersionState } from './model-state.ts';
import { Digest, ModelName, VersionLabel } from './names.ts';
import { artifactsOf, parseRecord, refuseTraversal, type StoredRecord } from './record.ts';
import { resolveVersion } from './resolve-version.ts';
import { assertStillThere } from './still-there.ts';
import { assertModelNameFree, chooseLabel } from './version-label.ts';

const BundleHeader = z.lazy(() =>
  z.looseObject({
    schema: z.literal('mlops.bundle/1'),
    model: ModelName,
    version: VersionLabel,
    digest: Digest,
    /** Of the record's bytes. */
    record: Digest,
  }),
);

export interface Exported extends WrittenBundle {
  version: VersionState;
}

/**
 * Writes one version with all its bytes into a single file: header, record, and of its artifact and of its reference profile manifest and packs.
 * @throws RefusedError `UNSAFE_TARGET`; as `resolveVersion`, `ArtifactStore.exportObjects` and `BundleFiles.write`
 */
export async function exportVersion(
  repository: Repository,
  request: { reference: string; target: string; force: boolean },
): Promise<Exported> {
  const { version } = await resolveVersion(repository, request.reference);
  const { model, version: label, digest } = version.record;
  const bytes = await repository.documents.read(recordPath(model, label));
  if (bytes === undefined || digestOf(bytes) !== version.recordDigest) {
    throw new IntegrityError('RECORD_DAMAGED', `the record of ${model}@${label} changed while it was read`, {
      hint: 'run the same command again',
    });
  }
  assertHarmlessTarget(repository.root, request.target);
  const artifacts = await repository.artifacts();
  const bundles = await repository.bundles();
  const header = encodeDocument({
    schema: 'mlops.bundle/1',
    model,
    version: label,
    digest,
    record: version.recordDigest,
  });
  const written = await bundles.write(request.target, {
    force: request.force,
    produce: async (add) => {
      await add({ name: 'bundle.json', bytes: header });
      await add({ name: 'record.json', bytes });
      const added = new Set<string>();
      const sink: BundleSink = {
        add: async (name, object) => {
          // Two artifacts of the same blobs have the same packs.
          if (added.has(name)) return;
          added.add(name);
          await add({ name, bytes: object });
        },
      };
      for (const each of artifactsOf(version.record)) await artifacts.exportObjects(each, sink);
    },
  });
  return { ...written, version };
}

export interface Imported {
  record: StoredRecord['record'];
  /** Id of the `imported` event; undefined when the version was here already. */
  event: string | undefined;
  written: readonly string[];
}

/**
 * Takes a version from a bundle. Everything is hostile until it is hashed: objects by their names, the record by the
 * header, the version by its record; only then is anything registered.
 *
 * @throws UsageError `BUNDLE_INVALID`; RefusedError `UNSAFE_BUNDLE`, `UNSAFE_PATH`; IntegrityError `OBJECT_DAMAGED`, `BUNDLE_DAMAGED`;
 * ConflictError `VERSION_EXISTS`
 */
export async function importBundle(repository: Repository, path: string): Promise<Imported> {
  assertWritable(repository.unknownFeatures);
  const artifacts = await repository.artifacts();
  const bundles = await repository.bundles();
  const objects = artifacts.importObjects();
  try {
    const documents = new Map<string, Uint8Array>();
    const seen = new Set<string>();
    const { digest: bundleDigest } = await bundles.read(path, (entry) =>
      takeEntry(entry, { documents, objects, seen }),
    );
    const { stored, bytes } = readDocuments(documents, path);
    await assertModelNameFree(repository, stored.record.model);
    // Said before anything is kept, and checked again under the lock.
    findImported(repository, await loadModel(repository, stored.record.model), stored);
    const [, ...others] = artifactsOf(stored.record);
    const check = (manifest: Manifest): void => assertSameContent(manifest, { stored, path });
    await objects.commit(stored.record.digest, check, others);
    return await registerImport(repository, { stored, bytes, bundleDigest });
  } catch (error) {
    await objects.abort();
    throw error;
  }
}

/** What the record says of the artifact must be what the manifest says. @throws IntegrityError `BUNDLE_DAMAGED` */
function assertSameContent(
  { kind, files }: Manifest,
  { stored: { record }, path }: { stored: StoredRecord; path: string },
): void {
  const size = files.reduce((sum, file) => sum + file.size, 0);
  if (kind === record.kind && files.length === record.files && size === record.size) return;
  throw damaged(path, 'the record and the manifest disagree');
}

async function takeEntry(
  { name, bytes }: BundleEntry,
  {
    documents,
    objects,
    seen,
  }: { documents: Map<string, Uint8Array>; objects: ImportedObjects; seen: Set<string> },
): Promise<void> {
  if (seen.has(name)) {
    throw new RefusedError('UNSAFE_BUNDLE', `the bundle holds ${name} twice; nothing was imported`, {
      hint: 'do not trust where this bundle comes from; get it again',
    });
  }
  seen.add(name);
  if (name === 'bundle.json' || name === 'record.json') documents.set(name, bytes);
  else if (/^(packs|manifests)\//.test(name)) await objects.add(name, bytes);
  // Other documents are those of a newer program; they are not needed for the version.
}

function readDocuments(
  documents: ReadonlyMap<string, Uint8Array>,
  path: string,
): { stored: StoredRecord; bytes: Uint8Array } {
  const headerBytes = documents.get('bundle.json');
  const bytes = documents.get('record.json');
  if (headerBytes === undefined || bytes === undefined) {
    throw new UsageError('BUNDLE_INVALID', `${path}: holds no version`, {
      hint: 'give a bundle that `mlops export` wrote',
    });
  }
  refuseTraversal(headerBytes, `${path}: bundle.json`);
  const header = parseDocument(headerBytes, BundleHeader, { path: `${path}: bundle.json`, canonical: true });
  if (digestOf(bytes) !== header.record)
    throw damaged(path, 'the record is not the one that the header names');
  const stored = parseRecord(bytes, { model: header.model, name: `${header.version}.json` });
  if (stored.record.digest !== header.digest)
    throw damaged(path, 'the record names another artifact than the header');
  return { stored, bytes };
}

interface ImportParts {
  stored: StoredRecord;
  bytes: Uint8Array;
  bundleDigest: string;
}

async function registerImport(
  repository: Repository,
  { stored, bytes, bundleDigest }: ImportParts,
): Promise<Imported> {
  const { record, recordDigest } = stored;
  const { model, version, digest } = record;
  const { result, written } = await commitSection(
    repository,
    `import ${model}@${version}`,
    async (section) => {
      const state = await loadModel(repository, model);
      const same = findImported(repository, state, stored);
      if (same !== undefined) {
        section.adopt(modelPath(model));
        section.adopt(recordPath(model, version));
        section.adopt(eventPath(same.registered, same.registered.id));
        return undefined;
      }
      const artifacts = await repository.artifacts();
      for (const each of artifactsOf(record)) await assertStillThere(each, () => artifacts.present(each));
      if ((await repository.documents.read(modelPath(model))) === undefined) {
        await section.create(modelPath(model), encodeDocument({ schema: 'mlops.model/1', model }));
      }
      const leftover = (await repository.documents.read(recordPath(model, version))) !== undefined;
      await (leftover
        ? section.replace(recordPath(model, version), bytes)
        : section.create(recordPath(model, version), bytes));
      return section.appendEvent({
        type: 'imported',
        subject: { model, version },
        digest,
        evidence: [
          { type: 'record', digest: recordDigest },
          { type: 'bundle', digest: bundleDigest },
        ],
      });
    },
  );
  return { record, event: result?.id, written };
}

/**
 * The very version that the bundle holds, if it is here already.
 * @throws ConflictError `VERSION_EXISTS`; UsageError `LABEL_INVALID`; IntegrityError for a damaged record of other bytes
 */
function findImported(
  repository: Repository,
  state: ModelState,
  { record, recordDigest }: StoredRecord,
): VersionState | undefined {
  const { model, version } = record;
  const existing = state.versions.find((other) => other.record.version === version);
  if (existing?.recordDigest === recordDigest && existing.deleted === undefined) return existing;
  const events = registrationsByLabel(state.log).get(version) ?? [];
  const seen = events.some(({ evidence }) =>
    evidence.some(({ type, digest }) => type === 'record' && digest === recordDigest),
  );
  if (existing !== undefined || (events.length > 0 && !seen)) {
    throw new ConflictError(
      'VERSION_EXISTS',
      `${model}@${version} exists already and is not the one in the bundle`,
      {
        hint: `see what is here: mlops history ${model}`,
        retryable: false,
      },
    );
  }
  chooseLabel(repository, state, { label: version });
  return undefined;
}

function damaged(path: string, what: string): MlopsError {
  return new IntegrityError('BUNDLE_DAMAGED', `${path}: ${what}; nothing was registered`, {
    hint: 'export it again',
  });
}
