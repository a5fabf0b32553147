import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConflictError, IntegrityError } from '../../src/errors.ts';
import { canonicalJson, type JsonValue } from '../../src/lib/canonical-json.ts';
import { parseJson } from '../../src/lib/parse-json.ts';
import { scanJson } from '../../src/lib/scan-json.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const FORBIDDEN = ['__proto__', 'constructor', 'prototype'];

/** A JSON value whose keys may repeat those of prototypes but for the forbidden three. */
const json = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom<JsonValue>(
      null,
      true,
      false,
      0,
      0.1,
      1e21,
      -1e-7,
      2 ** 53,
      '',
      'é',
      '\u2028',
      '\ud83d\ude00',
    ),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (Object.is(number, -0) ? 0 : number)),
    fc.string({ unit: 'binary' }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(
      fc
        .oneof(fc.string(), fc.constantFrom('1', '10', '9', 'a', 'B', 'é', 'toString', 'hasOwnProperty'))
        .filter((key) => !FORBIDDEN.includes(key)),
      tie('value'),
      { maxKeys: 5, noNullPrototype: true },
    ),
  ),
})).value;

describe('canonicalJson', () => {
  it('has one fixed form', () => {
    expect(canonicalJson({ b: [1, { y: null, x: '\n"é' }], a: {}, 10: [], 9: true, B: -0.5e-10 })).toBe(
      [
        '{',
        '  "10": [],',
        '  "9": true,',
        '  "B": -5e-11,',
        '  "a": {},',
        '  "b": [',
        '    1,',
        '    {',
        '      "x": "\\n\\"é",',
        '      "y": null',
        '    }',
        '  ]',
        '}',
        '',
      ].join('\n'),
    );
  });

  it('leaves out members without a value and sorts by UTF-16 code unit', () => {
    expect(canonicalJson({ a: undefined })).toBe('{}\n');
    expect(Object.keys(JSON.parse(canonicalJson({ '\ufb01': 1, '\u{1f600}': 1, z: 1 })) as object)).toEqual([
      'z',
      '\u{1f600}',
      '\ufb01',
    ]);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('refuses %d', (number) => {
    expect(() => canonicalJson({ deep: [number] })).toThrow(TypeError);
  });

  it('parses back to the same value, and to the same text', () => {
    fc.assert(
      fc.property(json, (value) => {
        const text = canonicalJson(value);
        const parsed = parseJson(bytes(text), { source: 'x' }) as JsonValue;
        expect(parsed).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalJson(parsed)).toBe(text);
        expect(text.endsWith('\n') && !text.includes('\r')).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('does not depend on the order in which members were added', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.integer(), { noNullPrototype: true }), (value) => {
        expect(canonicalJson(Object.fromEntries(Object.entries(value).toReversed()))).toBe(
          canonicalJson(value),
        );
      }),
    );
  });
});

/** What JSON.parse accepts, without what this project refuses on top of it. */
function accepts(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe('scanJson', () => {
  it.each([
    '{}',
    ' [1 , 2.5e-3,-0] ',
    '"\\u00e9\\n"',
    'null',
    '{"a":{"b":[{},[]]}}',
    '{"a":1,"b":{"a":1}}',
    '[{"a":1},{"a":1}]',
    '\t\r\n0',
    '{"toString":1,"":2}',
    '"\u2028\ud800"',
  ])('accepts %j', (text) => {
    expect(scanJson(text, 64)).toBeUndefined();
  });

  it.each([
    ['', 0, /end/],
    ['{', 1, /end/],
    ['[1,]', 3, /value/],
    ['{"a":1,}', 7, /key/],
    ['{"a" 1}', 5, /":"/],
    ['{a:1}', 1, /key/],
    ['01', 1, /after/],
    ['1.', 1, /after/],
    ['-', 0, /value/],
    ['+1', 0, /value/],
    ['NaN', 0, /value/],
    ['"a\nb"', 0, /value/],
    ['"\\x"', 0, /value/],
    ["'a'", 0, /value/],
    ['[1 2]', 3, /","/],
    ['{"a":1]', 6, /"}"/],
    ['{} {}', 3, /after/],
    ['\ufeff{}', 0, /value/],
    ['// x', 0, /value/],
    ['{"a":1,"a":2}', 7, /duplicate/],
    ['{"a":1,"\\u0061":2}', 7, /duplicate/],
    ['{"__proto__":1}', 1, /__proto__/],
    ['{"\\u005f_proto__":1}', 1, /__proto__/],
    ['[{"constructor":1}]', 2, /constructor/],
    ['{"prototype":1}', 1, /prototype/],
  ])('reports %j at offset %i', (text, offset, message) => {
    expect(scanJson(text, 64)).toEqual({ offset, message: expect.stringMatching(message) as string });
  });

  it('accepts what JSON.parse accepts and nothing else, but for duplicate and forbidden keys', () => {
    const piece = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '"b"',
      '""',
      '1',
      '-0.5e+3',
      'true',
      'null',
      ' ',
      '\\',
      '"',
      '\n',
      'x',
    );
    const mutated = fc
      .tuple(json, fc.nat(200), fc.oneof(piece, fc.constant('')))
      .map(([value, at, insert]) => {
        const text = JSON.stringify(value);
        return text.slice(0, at) + insert + text.slice(at + (insert === '' ? 1 : 0));
      });
    fc.assert(
      fc.property(
        fc.oneof(
          mutated,
          fc.array(piece, { maxLength: 12 }).map((all) => all.join('')),
        ),
        (text) => {
          const problem = scanJson(text, 64);
          const deliberate = problem !== undefined && /duplicate|not allowed/.test(problem.message);
          if (deliberate) return;
          expect(problem === undefined).toBe(accepts(text));
        },
      ),
      { numRuns: 5000 },
    );
  });

  it('counts nesting, and takes a million brackets without a deep call stack', () => {
    const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
    expect(scanJson(nested(64), 64)).toBeUndefined();
    expect(scanJson(nested(65), 64)).toMatchObject({
      offset: 64,
      message: expect.stringMatching(/64 levels/) as string,
    });
    expect(scanJson('{"a":'.repeat(3), 2)).toMatchObject({ offset: 10 });
    expect(scanJson('['.repeat(1_000_000), 64)).toMatchObject({ offset: 64 });
  });

  it('takes a string of many megabytes, plain or full of escapes', () => {
    expect(scanJson(`["${'x'.repeat(9_000_000)}"]`, 64)).toBeUndefined();
    expect(scanJson(`["${'\\n'.repeat(4_500_000)}"]`, 64)).toBeUndefined();
    expect(scanJson(`["${'\\n'.repeat(4_500_000)}`, 64)).toMatchObject({ offset: 1 });
    expect(scanJson('1'.repeat(9_000_000), 64)).toBeUndefined();
  });
});

describe('parseJson', () => {
  const parse = (text: string | Uint8Array, options = {}) =>
    parseJson(typeof text === 'string' ? bytes(text) : text, { source: 'models/m/model.json', ...options });

  it('names file, line and column of the first problem', () => {
    const action = () => parse('{\n  "a": 1,\n  "é": }\n');
    expect(action).toThrow(IntegrityError);
    expect(action).toThrow(/^models\/m\/model\.json:3:8: expected a JSON value$/);
  });

  it('gives members that look like those of prototypes as plain data', () => {
    const value = parse('{"toString": 1, "hasOwnProperty": 2}') as Record<string, unknown>;
    expect(Object.entries(value)).toEqual([
      ['toString', 1],
      ['hasOwnProperty', 2],
    ]);
    expect(() => parse('{"a": {"__proto__": {"admin": true}}}')).toThrow(/__proto__/);
  });

  it('refuses bytes that are not UTF-8, a byte order mark and UTF-16', () => {
    expect(() => parse(Uint8Array.of(0x22, 0xc3, 0x22))).toThrow(/not valid UTF-8/);
    expect(() => parse(Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b, 0x7d))).toThrow(IntegrityError);
    expect(() => parse(Buffer.from('{}', 'utf16le'))).toThrow(IntegrityError);
  });

  it('enforces the limits on size and depth', () => {
    expect(() => parse('[1, 2]', { maxBytes: 5 })).toThrow(/6 bytes; the limit is 5/);
    expect(parse('[1,2]', { maxBytes: 5 })).toEqual([1, 2]);
    expect(() => parse('[[[]]]', { maxDepth: 2 })).toThrow(/deeper than 2/);
    expect(() => parse(new Uint8Array(10 * 1024 * 1024 + 1))).toThrow(
      expect.objectContaining({ code: 'JSON_TOO_LARGE', exitCode: 3 }) as Error,
    );
  });

  it('tells an unresolved merge from damage', () => {
    const text = '{\n<<<<<<< HEAD\n  "a": 1\n=======\n  "a": 2\n>>>>>>> topic\n}\n';
    const action = () => parse(text);
    expect(action).toThrow(ConflictError);
    expect(action).toThrow(/model\.json:2: /);
    expect(parse('{"a": "text with <<<<<<< HEAD inside"}')).toEqual({ a: 'text with <<<<<<< HEAD inside' });
  });
});
