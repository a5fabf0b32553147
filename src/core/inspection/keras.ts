import type { Draft } from './inspection.ts';
import { isObject, parseObject } from './json-text.ts';
import { listed, printable } from './printable.ts';
import { head, type RandomAccess } from './random-access.ts';
import { newDraft, settle } from './inspection.ts';
import { readEntryBytes, type ZipArchive } from './zip-reader.ts';

const MAX_CONFIG = 16 * 1024 * 1024;
const MAX_OBJECTS = 200_000;
const HDF5_LOOK = 4 * 1024 * 1024;

/** Reads the configuration of a Keras 3 archive; the weights are not read. */
export async function readKeras(draft: Draft, archive: ZipArchive): Promise<void> {
  const metadata = archive.entries.find((entry) => entry.name === 'metadata.json');
  if (metadata !== undefined) {
    const { keras_version: version, date_saved: saved } = parseObject(
      await readEntryBytes(archive, metadata, 65_536),
      'metadata.json',
    );
    if (typeof version === 'string') draft.details['kerasVersion'] = printable(version);
    if (typeof saved === 'string') draft.details['saved'] = printable(saved);
  }
  const entry = archive.entries.find((candidate) => candidate.name === 'config.json');
  if (entry === undefined) return;
  const config = parseObject(await readEntryBytes(archive, entry, MAX_CONFIG), 'config.json');
  if (typeof config['class_name'] === 'string') draft.details['class'] = printable(config['class_name']);
  const found = walkConfig(config);
  draft.details['layers'] = found.layers;
  if (found.foreign.size > 0) {
    draft.details['unknownImports'] = listed(found.foreign);
    for (const module of listed(found.foreign)) {
      draft.warnings.push(`names the module ${module}, not of Keras: loading this file may run code`);
    }
  }
  if (found.lambda) draft.warnings.push('holds a Lambda layer: loading this file would run code');
}

interface ConfigFindings {
  layers: number;
  lambda: boolean;
  foreign: Set<string>;
}

function walkConfig(config: unknown): ConfigFindings {
  const found: ConfigFindings = { layers: 0, lambda: false, foreign: new Set() };
  const waiting: unknown[] = [config];
  for (let seen = 0; waiting.length > 0 && seen < MAX_OBJECTS; seen += 1) {
    const value = waiting.pop();
    if (Array.isArray(value)) waiting.push(...value.slice(0, MAX_OBJECTS));
    else if (isObject(value)) {
      noteObject(found, value);
      waiting.push(...Object.values(value).filter((member) => typeof member === 'object'));
    }
  }
  return found;
}

function noteObject(found: ConfigFindings, value: { readonly [key: string]: unknown }): void {
  const { class_name: className, module } = value;
  if (className === 'Lambda' || className === '__lambda__') found.lambda = true;
  if (typeof module === 'string') {
    if (/^keras\.(?:src\.)?layers(?:\.|$)/.test(module)) found.layers += 1;
    // Keras writes plain functions and types of its own under `builtins`, which resolves nothing outside.
    if (!/^(?:keras|builtins)(?:\.[A-Za-z0-9_]+)*$/.test(module)) found.foreign.add(module);
  }
  const registered = value['registered_name'];
  if (typeof registered === 'string' && registered.includes('>') && typeof module !== 'string')
    found.foreign.add(registered);
}

/** Reads what can be seen of an HDF5 file without an HDF5 library: whether Keras wrote it, and with which layers. */
export async function inspectHdf5(source: RandomAccess): Promise<Draft> {
  return settle(newDraft('hdf5', 'unknown'), async (draft) => {
    const text = (await head(source, HDF5_LOOK)).toString('latin1');
    if (text.length > 8) draft.details['superblock'] = text.charCodeAt(8);
    if (!text.includes('keras_version') && !text.includes('model_config')) return;
    draft.framework = 'keras';
    const className = /\{"class_name": "([A-Za-z0-9_]{1,64})"/.exec(text)?.[1];
    if (className !== undefined) draft.details['class'] = className;
    if (text.includes('"class_name": "Lambda"'))
      draft.warnings.push('holds a Lambda layer: loading this file would run code');
  });
}
