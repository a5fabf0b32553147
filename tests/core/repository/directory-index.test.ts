import { describe, expect, test } from 'vitest';
import { jsonCodec, loadDirectory } from '../../../src/core/repository/directory-index.ts';
import { encodeIndexFile } from '../../../src/core/repository/index-file.ts';
import { IntegrityError } from '../../../src/errors.ts';
import { createMemoryDocumentStore } from '../../../src/storage/memory/document-store.ts';
import type { DocumentStore } from '../../../src/storage/document-store.ts';

interface Thing {
  text: string;
}

const INDEX = { name: 'things', version: 'thing/1', codec: jsonCodec<Thing>() };
/** What an index file of these values and this codec says it is. */
const VERSION = 'thing/1 json/1';

function load(documents: DocumentStore, options: { fresh?: boolean; version?: string } = {}) {
  let parsed = 0;
  const loading = loadDirectory<Thing>(documents, {
    directory: 'things',
    index: { ...INDEX, ...(options.version === undefined ? {} : { version: options.version }) },
    parse: (bytes) => {
      parsed += 1;
      const text = Buffer.from(bytes).toString();
      if (text === 'bad') throw new IntegrityError('BAD', 'bad');
      return { text };
    },
    fresh: options.fresh,
  });
  return loading.then((files) => ({
    parsed,
    files: files.map(({ name, value, error }) => [name, value?.text ?? error?.code]),
  }));
}

/** As another process sees them, which knows nothing but what is in the store. */
function inAnotherProcess(documents: DocumentStore): DocumentStore {
  return { ...documents };
}

async function threeThings(): Promise<DocumentStore> {
  const documents = createMemoryDocumentStore();
  for (const name of ['a', 'b', 'c'])
    await documents.write(`things/${name}.json`, Buffer.from(`text of ${name}`));
  return documents;
}

const EXPECTED = ['a', 'b', 'c'].map((name) => [`${name}.json`, `text of ${name}`]);

describe('a directory with an index', () => {
  test('gives the same answer with and without it, and parses nothing twice', async () => {
    const documents = await threeThings();
    expect(await load(documents)).toEqual({ parsed: 3, files: EXPECTED });
    expect(await load(documents)).toEqual({ parsed: 0, files: EXPECTED });
    expect(await load(inAnotherProcess(documents))).toEqual({ parsed: 0, files: EXPECTED });
    expect(await load(documents, { fresh: true })).toEqual({ parsed: 3, files: EXPECTED });
  });

  test.each([
    ['this process', (documents: DocumentStore) => documents],
    ['another one', inAnotherProcess],
  ])('sees in %s what was changed, added and removed', async (_which, seenFrom) => {
    const documents = await threeThings();
    await load(documents);
    await documents.write('things/a.json', Buffer.from('new'));
    await documents.write('things/d.json', Buffer.from('more'));
    await documents.remove('things/b.json');
    expect(await load(seenFrom(documents))).toEqual({
      parsed: 2,
      files: [
        ['a.json', 'new'],
        ['c.json', 'text of c'],
        ['d.json', 'more'],
      ],
    });
  });

  test('never remembers a file that can not be read', async () => {
    const documents = await threeThings();
    await documents.write('things/b.json', Buffer.from('bad'));
    for (const parsed of [3, 1]) {
      expect(await load(inAnotherProcess(documents))).toEqual({
        parsed,
        files: [
          ['a.json', 'text of a'],
          ['b.json', 'BAD'],
          ['c.json', 'text of c'],
        ],
      });
    }
  });

  test('keeps values that are not ASCII', async () => {
    const documents = createMemoryDocumentStore();
    await documents.write('things/modèle.json', Buffer.from('données'));
    await load(documents);
    const files = [['modèle.json', 'données']];
    expect(await load(inAnotherProcess(documents))).toEqual({ parsed: 0, files });
  });

  test('is worth nothing to another version of the parser', async () => {
    const documents = await threeThings();
    await load(documents);
    const other = inAnotherProcess(documents);
    expect(await load(other, { version: 'thing/2' })).toMatchObject({ parsed: 3 });
    expect(await load(documents, { version: 'thing/3' })).toMatchObject({ parsed: 3 });
  });

  test('is worth nothing when any one of its bytes is another, or any of its end is missing', async () => {
    const documents = await threeThings();
    await load(documents);
    const index = (await documents.readCache('things')) ?? new Uint8Array();
    expect(index.length).toBeGreaterThan(100);
    for (let at = 0; at < index.length; at += 1) {
      const flipped = index.map((byte, place) => (place === at ? byte ^ 1 : byte));
      for (const damaged of [flipped, index.slice(0, at)]) {
        await documents.writeCache('things', damaged);
        expect(await load(inAnotherProcess(documents))).toEqual({ parsed: 3, files: EXPECTED });
      }
    }
  });

  const section = (...texts: string[]): Uint8Array[] => texts.map((text) => Buffer.from(text));

  test.each<[string, string | Uint8Array[]]>([
    ['no bytes', ''],
    ['no line', '{'],
    ['null', 'null\n'],
    ['a list', '[]\n'],
    ['lengths that are none', `{"version":"${VERSION}","digest":"sha256:","lengths":[-1,1.5,"2"]}\n`],
    ['lengths beyond its end', `{"version":"${VERSION}","digest":"sha256:","lengths":[1,2,3]}\n`],
    ['no sections', []],
    ['names without values', section('a.json', '999')],
    ['values that are no JSON', section('a.json', '999', '{')],
    ['values that are no list', section('a.json', '999', '{"a.json":"evil"}')],
    ['fewer values than names', section('a.json/b.json', '1/2', '[{"text":"evil"}]')],
    ['fewer fingerprints than names', section('a.json/b.json', '1', '[{"text":"evil"},{"text":"evil"}]')],
    ['fingerprints that are not those of the files', section('a.json', '999-1-1-1', '[{"text":"evil"}]')],
    ['files that are not there', section('evil.json', '1', '[{"text":"evil"}]')],
    ['names in another order', section('c.json/a.json', '999/999', '[{"text":"evil"},{"text":"evil"}]')],
  ])('with a hostile index of %s gives the same answer', async (_what, index) => {
    const documents = await threeThings();
    const bytes = typeof index === 'string' ? Buffer.from(index) : encodeIndexFile(VERSION, index);
    await documents.writeCache('things', bytes);
    expect(await load(documents)).toEqual({ parsed: 3, files: EXPECTED });
  });

  test('fails on what is no error of its own', async () => {
    const documents = await threeThings();
    const broken = loadDirectory<Thing>(documents, {
      directory: 'things',
      index: INDEX,
      parse: () => {
        throw new TypeError('a bug');
      },
    });
    await expect(broken).rejects.toThrow('a bug');
  });
});
