import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';
import { canonicalJson } from './canonical-json.mjs';

const ACTOR = 'Bench <bench@example.org>';
const FIRST = Date.UTC(2026, 0, 1);
const MINUTE = 60_000;
/** So many versions can be promoted, which asks for their bytes. */
export const STORED_VERSIONS = 10;

/** What happens to a version after it was saved, in this order, as far as there are events for it. */
const LIFE = [
  ({ number }) => ({ type: 'annotated', changes: { tags: { reviewed: number % 3 === 0 ? 'no' : 'yes' } } }),
  (version) => moved(version, 'staging'),
  (version) => moved(version, 'production'),
  ({ number }) =>
    number % 10 === 9
      ? { type: 'deprecated', reason: 'a newer version has a better recall' }
      : { type: 'annotated', changes: { description: `candidate ${number} of the weekly training` } },
];

/**
 * Writes the records, events and stage pointers of one model as `mlops` would have written them one after another
 * (docs/format.md section 5), without objects. `mlops verify --metadata-only` finds nothing to complain about.
 * @param counts `versions`, and `events` of which one a version is its `saved`; at most 5 a version
 * @param stored `{ digest, size }` of an artifact that is in the cache: the first {@link STORED_VERSIONS} versions have it
 */
export async function writeRegistry(repository, { model, versions, events, stored, signal }) {
  const writer = new ModelWriter(join(repository, '.mlops/models', model), { model, stored });
  const others = events - versions;
  for (let number = 0; number < versions; number += 1) {
    if (number % 100 === 0) {
      signal.throwIfAborted();
      await breathe();
    }
    const version = writer.save(number);
    const share = Math.floor((others * (number + 1)) / versions) - Math.floor((others * number) / versions);
    for (const step of LIFE.slice(0, share)) writer.event({ ...version, ...step(version) });
  }
  writer.finish();
}

/** The label of the n-th version: v1.0.0, v1.0.1 ... v1.1.0 ... */
export function versionLabel(number) {
  return `v${1 + Math.floor(number / 100)}.${Math.floor(number / 10) % 10}.${number % 10}`;
}

class ModelWriter {
  #directory;
  #model;
  #stored;
  #time = FIRST;
  #head;
  #previous;
  #stages = new Map();

  constructor(directory, { model, stored }) {
    this.#directory = directory;
    this.#model = model;
    this.#stored = stored;
    for (const folder of ['versions', 'events', 'stages'])
      mkdirSync(join(directory, folder), { recursive: true });
    this.#write('model.json', { schema: 'mlops.model/1', model, description: 'made for a benchmark' });
  }

  save(number) {
    const version = versionLabel(number);
    const invented = { digest: sha256(`${this.#model} ${number}`), size: 1_000_000 + number };
    const { digest, size } = number < STORED_VERSIONS ? (this.#stored ?? invented) : invented;
    const createdAt = new Date(this.#time + MINUTE).toISOString();
    const record = this.#write(`versions/${version}.json`, {
      schema: 'mlops.version/1',
      model: this.#model,
      version,
      digest,
      kind: 'file',
      size,
      files: 1,
      path: 'build/model.safetensors',
      format: { name: 'safetensors', framework: 'safetensors', details: { tensors: 3, parameters: 250_000 } },
      metrics: { accuracy: 0.9 + (number % 97) / 1000, loss: 0.3 - (number % 89) / 1000 },
      params: { depth: String(4 + (number % 8)), rate: '0.01' },
      tags: { team: 'fraud' },
      lineage: {
        environment: { arch: 'x64', node: 'v20.20.2', platform: 'linux' },
        git: { branch: 'main', commit: sha256(`commit ${number}`).slice(7, 47), dirty: false, untracked: 0 },
        parent: this.#previous,
      },
      createdAt,
      createdBy: ACTOR,
    });
    this.#previous = version;
    const state = { number, version, digest };
    this.event({ ...state, type: 'saved', evidence: [{ type: 'record', digest: record }] });
    return state;
  }

  event({ type, version, digest, stage, evidence = [], changes, reason }) {
    this.#time += MINUTE;
    const time = new Date(this.#time).toISOString();
    const content = {
      schema: 'mlops.event/1',
      type,
      subject: { model: this.#model, version, stage },
      ...(stage === undefined ? {} : { from: this.#stages.get(stage)?.version, to: version }),
      digest: type === 'saved' || stage !== undefined ? digest : undefined,
      changes,
      reason,
      actor: ACTOR,
      time,
      evidence,
      parents: this.#head === undefined ? [] : [this.#head],
      tool: 'mlops/0.1.0',
    };
    const text = canonicalJson(content);
    const id = sha256(text);
    const name = `${time.replaceAll(/[-:.]/g, '')}-${type}-${id.slice(7, 23)}.json`;
    writeFileSync(join(this.#directory, 'events', name), text);
    this.#head = id;
    if (stage !== undefined) this.#stages.set(stage, { version, digest, event: id });
  }

  /** The pointers say what the last event of each stage says. */
  finish() {
    for (const [stage, pointer] of this.#stages) {
      this.#write(`stages/${stage}.json`, { schema: 'mlops.stage/1', model: this.#model, stage, ...pointer });
    }
  }

  #write(path, document) {
    const text = canonicalJson(document);
    writeFileSync(join(this.#directory, path), text);
    return sha256(text);
  }
}

function moved({ number }, stage) {
  return number % 50 === 49 ? { type: 'rolled-back', stage, reason: 'latency' } : { type: 'promoted', stage };
}

function sha256(text) {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}
