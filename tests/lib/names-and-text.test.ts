import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nearestNames, suggestNames } from '../../src/lib/nearest.ts';
import {
  findCollisions,
  foldName,
  isReservedName,
  portabilityProblem,
} from '../../src/lib/portable-names.ts';
import { isLocalRemote, redactUrl } from '../../src/lib/redact-url.ts';
import { printable } from '../../src/lib/terminal-text.ts';

describe('findCollisions', () => {
  it.each([
    ['Model.bin', 'model.BIN'],
    ['caf\u00e9', 'cafe\u0301'],
    ['stra\u00dfe', 'STRASSE'],
    ['\u212a', 'k'],
    ['CAF\u00c9/x', 'cafe\u0301/X'],
    ['same', 'same'],
    ['\u03c3', '\u03c2'],
    ['\ufb01le', 'FILE'],
  ])('finds %j and %j', (first, second) => {
    expect(findCollisions([first, 'other', second])).toEqual([{ first, second }]);
  });

  it('finds a file that is a directory of another path, in either order and at any depth', () => {
    expect(findCollisions(['Data', 'data/deep/x'])).toEqual([{ first: 'Data', second: 'data/deep/x' }]);
    expect(findCollisions(['data/deep/x', 'DATA/DEEP'])).toEqual([
      { first: 'DATA/DEEP', second: 'data/deep/x' },
    ]);
  });

  it('does not report names that only share a prefix', () => {
    expect(findCollisions(['a', 'ab', 'a.b', 'b/a', 'abc/c', 'a b/c', 'data1/x', 'data/x'])).toEqual([]);
  });

  it('finds every member of a group of three', () => {
    expect(findCollisions(['a', 'A', 'a/b'])).toEqual([
      { first: 'a', second: 'A' },
      { first: 'a', second: 'a/b' },
    ]);
  });

  it('folds each name to something that folds to itself and does not depend on case or normal form', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (name) => {
        expect(foldName(name.normalize('NFD'))).toBe(foldName(name.normalize('NFC')));
        expect(foldName(name.toUpperCase())).toBe(foldName(name));
        expect(findCollisions([name, name.toUpperCase()])).toHaveLength(1);
      }),
    );
  });
});

describe('portabilityProblem', () => {
  it.each(['a/b.txt', 'console', 'nullable.bin', 'com10', 'com', 'x y', '.hidden', 'é', 'auxiliary.txt'])(
    'has nothing to say about %j',
    (path) => {
      expect(portabilityProblem(path)).toBeUndefined();
    },
  );

  it.each([
    ['con', /device/],
    ['a/NUL.bin', /device/],
    ['com1.tar.gz', /device/],
    ['LPT\u00b9', /device/],
    ['aux .txt', /device/],
    ['CONIN$', /device/],
    ['a:b', /":"/],
    ['a*', /"\*"/],
    ['what?', /"\?"/],
    ['a"b', /"""/],
    ['<x>', /"<"/],
    ['a|b', /"\|"/],
    ['dot.', /end/],
    ['dir /x', /end/],
    ['a\nb', /control/],
    ['a\u009bb', /control/],
    ['a\u202egpj.exe', /direction/],
    ['\u2066x', /direction/],
  ])('names the problem of %j', (path, reason) => {
    expect(portabilityProblem(path)).toMatch(reason);
  });

  it('knows reserved names alone and before a dot only', () => {
    expect(['con', 'Con.x', 'nul.tar.gz', 'com0'].every(isReservedName)).toBe(true);
    expect(['conx', 'x.con', 'con-1', ''].some(isReservedName)).toBe(false);
  });
});

describe('printable', () => {
  it('shows controls as escapes', () => {
    expect(printable('a\nb\r\tc\u001b[2J\u0007\u009b31m\u007f')).toBe(
      'a\\nb\\r\\tc\\x1b[2J\\x07\\x9b31m\\x7f',
    );
    expect(printable('evil\u202egnp.exe \u2066x\u2069 \u2028')).toBe(
      'evil\\u202egnp.exe \\u2066x\\u2069 \\u2028',
    );
    expect(printable('\ud800x\u{e0041}')).toBe('\\ud800x\\u{e0041}');
  });

  it('leaves other text alone', () => {
    const text = 'modèle 日本 👩‍🔬 C:\\path "x"';
    expect(printable(text)).toBe(text);
  });

  it('never lets a control character through and changes nothing the second time', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const shown = printable(text);
        expect(shown).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069\p{Surrogate}]/u);
        expect(printable(shown)).toBe(shown);
      }),
    );
  });
});

describe('isLocalRemote', () => {
  it.each([
    '/srv/repo',
    '../repo',
    'repo',
    '~/repo',
    'C:\\repo',
    'C:/repo',
    'FILE:///srv/repo',
    'a/b:c',
    'x::/srv/repo',
    '',
  ])('%j is of this machine', (url) => {
    expect(isLocalRemote(url)).toBe(true);
  });

  it.each([
    'https://host/r',
    'ssh://git@host/r',
    'git@host:r',
    'host:r',
    'git@[::1]:r',
    '[::1]:r',
    'x::https://host/r',
  ])('%j is of another one', (url) => {
    expect(isLocalRemote(url)).toBe(false);
  });
});

describe('redactUrl', () => {
  it.each([
    ['https://user:secret@host.example/team/repo.git', 'https://host.example/team/repo.git'],
    ['https://token@host.example:8443/repo', 'https://host.example:8443/repo'],
    ['https://host.example/repo?private_token=secret#frag', 'https://host.example/repo'],
    ['https://host.example?x=secret', 'https://host.example'],
    ['ssh://git@host.example:22/team/repo.git', 'ssh://host.example:22/team/repo.git'],
    ['git@host.example:team/repo.git', 'git@host.example:team/repo.git'],
    [`${'t'.repeat(40)}@host.example:repo`, 'host.example:repo'],
    ['git@host.example/repo', 'host.example/repo'],
    ['user:secret@host.example:team/repo@v2.git', 'host.example:team/repo@v2.git'],
    ['user:secret@host.example/repo', 'host.example/repo'],
    ['https://user:se/cret@host.example/repo', 'https://host.example/repo'],
    ['https://user:se#cret@host.example/repo', 'https://host.example/repo'],
    ['https://user:a@b:secret@host.example/repo', 'https://host.example/repo'],
    ['https://user:secret@/cret@host.example/repo', 'https://host.example/repo'],
    ['https://user:secret@[::1]:443/repo', 'https://[::1]:443/repo'],
    ['HTTPS://User:Secret@HOST/repo', 'HTTPS://HOST/repo'],
    ['helper::https://user:secret@host.example/r?x', 'helper::https://host.example/r'],
    ['s3://key:secret@bucket/prefix', 's3://bucket/prefix'],
    ['https://host.example/@scope/repo@1', 'https://host.example/@scope/repo@1'],
    ['file:///srv/repo.git', 'file:///srv/repo.git'],
    ['/srv/a@b/repo.git', '/srv/a@b/repo.git'],
    ['../repo@2', '../repo@2'],
    ['C:\\repo@2', 'C:\\repo@2'],
    ['host.example:repo', 'host.example:repo'],
    ['', ''],
  ])('%j becomes %j', (url, expected) => {
    expect(redactUrl(url)).toBe(expected);
  });

  it('never shows a password, whatever characters it is made of', () => {
    const password = fc.string({ unit: fc.constantFrom('a', '/', '?', '#', ':', '\\', '%', ' ', '[') });
    fc.assert(
      fc.property(password, fc.constantFrom('https://', 'ssh://', 'x::https://'), (text, scheme) => {
        const shown = redactUrl(`${scheme}user:SECRET${text}SECRET@host.example/repo`);
        expect(shown).not.toContain('SECRET');
      }),
    );
  });
});

describe('suggestNames', () => {
  it('names the nearest, else at most three that exist, else nothing', () => {
    expect(suggestNames('chrun', ['fraud', 'churn'])).toBe('did you mean churn?');
    expect(suggestNames('x', ['fraud'])).toBe('there is fraud');
    expect(suggestNames('x', ['aaaa', 'bbbb', 'cccc', 'dddd'])).toBe('there are aaaa, bbbb, cccc and more');
    expect(suggestNames('x', [])).toBeUndefined();
  });
});

describe('nearestNames', () => {
  const models = ['fraud_detector', 'fraud-scorer', 'churn', 'Ranker', 'a'];

  it('finds a misspelling, whatever its case', () => {
    expect(nearestNames('fraud_detecter', models)).toEqual(['fraud_detector']);
    expect(nearestNames('ranker', models)).toEqual(['Ranker']);
    expect(nearestNames('chrun', models)).toEqual(['churn']);
    expect(nearestNames('chur', models)).toEqual(['churn']);
  });

  it('finds what starts with the typed text', () => {
    expect(nearestNames('fraud', models)).toEqual(['fraud-scorer', 'fraud_detector']);
  });

  it('says nothing when nothing is near, and never more than asked', () => {
    expect(nearestNames('zzzzzz', models)).toEqual([]);
    expect(nearestNames('', models)).toEqual([]);
    expect(nearestNames('v1', ['v2', 'v3', 'v4', 'v5'], 2)).toEqual(['v2', 'v3']);
  });
});
