import { isObject } from './json-text.ts';
import { MalformedError, newDraft, settle, type Draft } from './inspection.ts';
import { printable } from './printable.ts';
import { slice, type RandomAccess } from './random-access.ts';

const MAX_ENTRIES = 1_000;
const MAX_TEXT = 1024 * 1024;
/** Position of `InfoMap` among the fields of the FlatBuffers table TModelCore. */
const INFO_MAP = 2;

/** Reads the information map of a CatBoost binary model: version and loss; the trees are not read. */
export async function inspectCatboost(source: RandomAccess): Promise<Draft> {
  return settle(newDraft('catboost-cbm', 'catboost'), async (draft) => {
    const size = (await source.read(4, 4)).readUInt32LE(0);
    const core = new Flatbuffer(slice(source, 8, size));
    const root = await core.indirect(0);
    const formatVersion = await core.field(root, 0);
    if (formatVersion !== undefined)
      draft.details['formatVersion'] = printable(await core.text(formatVersion));
    const map = await core.field(root, INFO_MAP);
    if (map === undefined) return;
    for (const [key, value] of await core.pairs(map)) describe(draft, key, value);
  });
}

function describe(draft: Draft, key: string, value: string): void {
  if (key === 'catboost_version_info') {
    const version = /(?:^|\n)\s*(?:Git info:|Catboost version:?)?\s*.*?([0-9]+\.[0-9]+(?:\.[0-9]+)?)/i.exec(
      value,
    )?.[1];
    if (version !== undefined) draft.details['version'] = version;
  } else if (key === 'train_finish_time') draft.details['trained'] = printable(value);
  else if (key === 'params') {
    const loss = lossOf(value);
    if (loss !== undefined) draft.details['objective'] = printable(loss);
  }
}

function lossOf(parameters: string): string | undefined {
  try {
    const value: unknown = JSON.parse(parameters);
    const loss = isObject(value) ? value['loss_function'] : undefined;
    const type = isObject(loss) ? loss['type'] : undefined;
    return typeof type === 'string' ? type : undefined;
  } catch {
    // The parameters are extra information; a model without readable ones is still a model.
    return undefined;
  }
}

/** Follows FlatBuffers offsets with every read checked against the buffer. */
class Flatbuffer {
  readonly #source: RandomAccess;

  constructor(source: RandomAccess) {
    this.#source = source;
  }

  async indirect(at: number): Promise<number> {
    return at + (await this.#source.read(at, 4)).readUInt32LE(0);
  }

  /** What field number `index` of a table points to, or undefined when it is absent. */
  async field(table: number, index: number): Promise<number | undefined> {
    const vtable = table - (await this.#source.read(table, 4)).readInt32LE(0);
    const bytes = (await this.#source.read(vtable, 2)).readUInt16LE(0);
    const slot = 4 + index * 2;
    if (slot + 2 > bytes) return undefined;
    const offset = (await this.#source.read(vtable + slot, 2)).readUInt16LE(0);
    return offset === 0 ? undefined : this.indirect(table + offset);
  }

  async text(at: number): Promise<string> {
    const length = (await this.#source.read(at, 4)).readUInt32LE(0);
    if (length > MAX_TEXT) throw new MalformedError(`a text of ${length} bytes`);
    return (await this.#source.read(at + 4, length)).toString('utf8');
  }

  /** The entries of a vector of tables with a key (field 0) and a value (field 1). */
  async pairs(vector: number): Promise<[string, string][]> {
    const count = (await this.#source.read(vector, 4)).readUInt32LE(0);
    if (count > MAX_ENTRIES) throw new MalformedError(`${count} information entries`);
    const pairs: [string, string][] = [];
    for (let index = 0; index < count; index += 1) {
      const entry = await this.indirect(vector + 4 + index * 4);
      const key = await this.field(entry, 0);
      const value = await this.field(entry, 1);
      if (key !== undefined && value !== undefined)
        pairs.push([await this.text(key), await this.text(value)]);
    }
    return pairs;
  }
}
