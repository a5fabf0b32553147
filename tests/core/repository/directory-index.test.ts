import { describe, expect, test } from 'vitest';
import { loadDirectory } from '../../../src/core/repository/directory-index.ts';
import { IntegrityError } from '../../../src/errors.ts';
import { createMemoryDocumentStore } from '../../../src/storage/memory/document-store.ts';
import type { DocumentStore } from '../../../src/storage/document-store.ts';

const INDEX = { name: 'things', version: 'thing/1' };

function load(documents: DocumentStore, options: { fresh?: boolean; version?: string } = {}) {
  let parsed = 0;
  const loading = loadDirectory<{ text: string }>(documents, {
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
    expect(await load(documents, { fresh: true })).toEqual({ parsed: 3, files: EXPECTED });
  });

  test('sees what was changed, added and removed', async () => {
    const documents = await threeThings();
    await load(documents);
    await documents.write('things/a.json', Buffer.from('new'));
    await documents.write('things/d.json', Buffer.from('more'));
    await documents.remove('things/b.json');
    expect(await load(documents)).toEqual({
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
      expect(await load(documents)).toEqual({
        parsed,
        files: [
          ['a.json', 'text of a'],
          ['b.json', 'BAD'],
          ['c.json', 'text of c'],
        ],
      });
    }
  });

  test('is worth nothing to another version of the parser', async () => {
    const documents = await threeThings();
    await load(documents);
    expect(await load(documents, { version: 'thing/2' })).toMatchObject({ parsed: 3 });
  });

  test.each([
    ['no JSON', '{'],
    ['null', 'null'],
    ['a list', '[]'],
    [
      'entries of another shape',
      '{"version":"thing/1","entries":[1,null,["a.json"],{"0":"a.json"},["a.json",1,{"text":"evil"}]]}',
    ],
    ['entries that are no list', '{"version":"thing/1","entries":{"a.json":"evil"}}'],
    [
      'fingerprints that are not those of the files',
      '{"version":"thing/1","entries":[["a.json","999-1-1-1",{"text":"evil"}]]}',
    ],
    ['files that are not there', '{"version":"thing/1","entries":[["evil.json","1",{"text":"evil"}]]}'],
  ])('with a hostile index of %s gives the same answer', async (_what, index) => {
    const documents = await threeThings();
    await documents.writeCache('things', Buffer.from(index));
    expect(await load(documents)).toEqual({ parsed: 3, files: EXPECTED });
  });

  test('fails on what is no error of its own', async () => {
    const documents = await threeThings();
    const broken = loadDirectory(documents, {
      directory: 'things',
      index: INDEX,
      parse: () => {
        throw new TypeError('a bug');
      },
    });
    await expect(broken).rejects.toThrow('a bug');
  });
});
