import type { Dirent } from 'node:fs';
import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, LocalIoError } from '../../errors.ts';
import { inspectContent } from './detect.ts';
import { MalformedError, newDraft, settle, type Draft } from './inspection.ts';
import { isObject, parseObject } from './json-text.ts';
import { listed, printable } from './printable.ts';
import { head, withFile } from './random-access.ts';
import { inspectSavedModel } from './tensorflow.ts';

/** Regular files of a model directory that are listed at most, and how many of them are opened. */
const MAX_FILES = 10_000;
const MAX_DEPTH = 4;
const MAX_OPENED = 64;
const MAX_TEXT = 4 * 1024 * 1024;

interface ModelFile {
  /** Path from the directory, `/` between the parts. */
  name: string;
  path: string;
  size: number;
}

/**
 * Recognises a directory: SavedModel, MLflow, Hugging Face, or whatever its largest recognised file is. Symbolic links are not
 * followed.
 */
export async function inspectDirectory(root: string): Promise<Draft> {
  const notes: string[] = [];
  const files = await listFiles(root, notes);
  const draft = await recognise(files);
  draft.warnings.push(...notes);
  return draft;
}

async function recognise(files: readonly ModelFile[]): Promise<Draft> {
  const find = (name: string): ModelFile | undefined => files.find((file) => file.name === name);
  const mlmodel = find('MLmodel');
  if (mlmodel !== undefined) return inspectMlflow(mlmodel, files);
  const savedModel = find('saved_model.pb');
  if (savedModel !== undefined) {
    const draft = await withFile(savedModel.path, inspectSavedModel);
    draft.details['variables'] = files.filter((file) =>
      file.name.startsWith('variables/variables.data-'),
    ).length;
    return draft;
  }
  const config = find('config.json');
  const tensors = files.filter((file) => /^[^/]+\.safetensors$/.test(file.name));
  if (config !== undefined && tensors.length > 0) return inspectHuggingFace(config, tensors, files);
  if (tensors.length > 1)
    return settle(newDraft('safetensors', 'safetensors'), (draft) => readShards(draft, tensors, files));
  return inspectLargest(files);
}

async function listFiles(root: string, notes: string[]): Promise<ModelFile[]> {
  const files: ModelFile[] = [];
  const waiting: { path: string; prefix: string; depth: number }[] = [{ path: root, prefix: '', depth: 0 }];
  let links = 0;
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    for (const entry of await entriesOf(next.path)) {
      const path = join(next.path, entry.name);
      const name = `${next.prefix}${entry.name}`;
      if (entry.isSymbolicLink()) links += 1;
      else if (entry.isDirectory() && next.depth < MAX_DEPTH)
        waiting.push({ path, prefix: `${name}/`, depth: next.depth + 1 });
      else if (entry.isFile()) files.push({ name, path, size: (await lstat(path)).size });
      if (files.length >= MAX_FILES) {
        notes.push(`not fully read: only ${MAX_FILES} files of the directory were listed`);
        return files;
      }
    }
  }
  if (links > 0) notes.push(`${links} symbolic links in the directory were not followed`);
  return files.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

async function entriesOf(path: string): Promise<Dirent[]> {
  try {
    const entries: Dirent[] = [];
    for await (const entry of await opendir(path)) {
      entries.push(entry);
      if (entries.length >= MAX_FILES) break;
    }
    return entries;
  } catch (cause) {
    throw new LocalIoError(
      'MODEL_SOURCE_UNREADABLE',
      `cannot list ${path}: ${errnoOf(cause) ?? 'unknown error'}`,
      { cause },
    );
  }
}

/** Reads the flavour names of an `MLmodel` file with a strict reader for the few lines that matter; no YAML engine. */
async function inspectMlflow(mlmodel: ModelFile, files: readonly ModelFile[]): Promise<Draft> {
  return settle(newDraft('mlflow', 'unknown'), async (draft) => {
    const text = await withFile(mlmodel.path, async (source) => {
      if (source.size > MAX_TEXT) throw new MalformedError(`MLmodel has ${source.size} bytes`);
      return (await head(source, MAX_TEXT)).toString('utf8');
    });
    const { flavors, version } = readMlmodel(text);
    draft.details['flavors'] = listed(flavors);
    if (version !== undefined) draft.details['mlflowVersion'] = printable(version);
    draft.framework = flavors.find((flavor) => flavor !== 'python_function') ?? flavors[0] ?? 'unknown';
    if (flavors.length === 0) draft.warnings.push('malformed mlflow content: MLmodel names no flavor');
    const inner = await inspectLargest(files.filter((file) => file !== mlmodel));
    if (inner.name !== 'unknown') {
      if (inner.details['file'] !== undefined) draft.details['file'] = inner.details['file'];
      draft.details['model'] = { name: inner.name, framework: inner.framework, details: inner.details };
      draft.warnings.push(...inner.warnings);
      if (inner.signature !== undefined) draft.signature = inner.signature;
    }
  });
}

function readMlmodel(text: string): { flavors: string[]; version: string | undefined } {
  const flavors: string[] = [];
  let inFlavors = false;
  for (const line of text.split(/\r?\n/)) {
    if (/^\S/.test(line)) inFlavors = /^flavors:\s*$/.test(line);
    const flavor = inFlavors ? /^ {2}([A-Za-z_][A-Za-z0-9_.-]{0,63}):\s*$/.exec(line)?.[1] : undefined;
    if (flavor !== undefined && flavors.length < 50) flavors.push(flavor);
  }
  return { flavors, version: /^mlflow_version:\s*['"]?([0-9A-Za-z.+-]{1,40})['"]?\s*$/m.exec(text)?.[1] };
}

async function inspectHuggingFace(
  config: ModelFile,
  tensors: ModelFile[],
  files: readonly ModelFile[],
): Promise<Draft> {
  return settle(newDraft('huggingface', 'transformers'), async (draft) => {
    const values = await readJson(config);
    const { architectures, model_type: type, transformers_version: version, auto_map: code } = values;
    if (Array.isArray(architectures))
      draft.details['architectures'] = listed(architectures.filter((name) => typeof name === 'string'));
    if (typeof type === 'string') draft.details['modelType'] = printable(type);
    if (typeof version === 'string') draft.details['transformersVersion'] = printable(version);
    if (isObject(code))
      draft.warnings.push(
        'config.json names code of its own (auto_map): loading with remote code trusted would run it',
      );
    await readShards(draft, tensors, files);
  });
}

async function readJson(file: ModelFile): Promise<{ readonly [key: string]: unknown }> {
  return withFile(file.path, async (source) => {
    if (source.size > MAX_TEXT) throw new MalformedError(`${printable(file.name)} has ${source.size} bytes`);
    return parseObject(await head(source, MAX_TEXT), printable(file.name));
  });
}

/** Adds up the headers of all safetensors files and compares them with the index, where there is one. */
async function readShards(
  draft: Draft,
  shards: readonly ModelFile[],
  files: readonly ModelFile[],
): Promise<void> {
  let tensors = 0;
  let parameters = 0n;
  for (const shard of shards.slice(0, MAX_OPENED)) {
    const part = await withFile(shard.path, inspectContent);
    draft.warnings.push(...part.warnings.map((warning) => `${printable(shard.name)}: ${warning}`));
    if (part.name !== 'safetensors')
      draft.warnings.push(`${printable(shard.name)} is ${part.name}, not safetensors`);
    if (typeof part.details['tensors'] === 'number') tensors += part.details['tensors'];
    const count = part.details['parameters'];
    if (typeof count === 'number' || typeof count === 'string') parameters += BigInt(count);
  }
  Object.assign(draft.details, { files: shards.length, tensors });
  draft.details['parameters'] =
    parameters <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(parameters) : parameters.toString();
  if (shards.length > MAX_OPENED)
    draft.warnings.push(`not fully read: only ${MAX_OPENED} of ${shards.length} shards were opened`);
  const index = files.find((file) => /^[^/]+\.safetensors\.index\.json$/.test(file.name));
  if (index === undefined) return;
  const { weight_map: map } = await readJson(index);
  const named = new Set(isObject(map) ? Object.values(map).filter((name) => typeof name === 'string') : []);
  const missing = [...named].filter((name) => !shards.some((shard) => shard.name === name));
  if (missing.length > 0)
    draft.warnings.push(`shards named by the index are missing: ${listed(missing).slice(0, 5).join(', ')}`);
}

/** The inspection of the largest file whose content is recognised; warnings about the other files are kept. */
async function inspectLargest(files: readonly ModelFile[]): Promise<Draft> {
  const ordered = files.toSorted((a, b) => b.size - a.size);
  let best: Draft | undefined;
  for (const file of ordered.slice(0, MAX_OPENED)) {
    const draft = await withFile(file.path, inspectContent);
    if (draft.name === 'unknown') continue;
    if (best === undefined) {
      best = draft;
      best.details['file'] = printable(file.name);
    } else best.warnings.push(...draft.warnings.map((warning) => `${printable(file.name)}: ${warning}`));
  }
  best ??= newDraft('unknown', 'unknown');
  if (ordered.length > MAX_OPENED)
    best.warnings.push(
      `not fully read: only the ${MAX_OPENED} largest of ${ordered.length} files were opened`,
    );
  return best;
}
