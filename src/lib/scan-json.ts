/** The first problem found in a JSON text, with its offset in UTF-16 code units. */
export interface JsonProblem {
  offset: number;
  message: string;
}

const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype']);
const WHITE_SPACE = /[ \t\n\r]*/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const WORD = /true|false|null/y;

type Expectation = 'value' | 'first-element' | 'first-key' | 'key' | 'after-value';

/**
 * Walks a JSON text (RFC 8259) without building it and reports the first syntax error, duplicate key, forbidden key or
 * nesting beyond `maxDepth`. `JSON.parse` alone accepts duplicate keys silently and gives no line.
 */
export function scanJson(text: string, maxDepth: number): JsonProblem | undefined {
  const stack: (Set<string> | undefined)[] = [];
  let offset = 0;
  let expecting: Expectation = 'value';

  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = offset;
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) offset += found.length;
    return found;
  };

  for (;;) {
    match(WHITE_SPACE);
    if (expecting === 'after-value' && stack.length === 0) {
      return offset === text.length ? undefined : { offset, message: 'unexpected text after the value' };
    }
    const character = text[offset];
    if (character === undefined) return { offset, message: 'unexpected end of the file' };

    if (expecting === 'after-value') {
      const keys = stack.at(-1);
      if (character === ',') expecting = keys === undefined ? 'value' : 'key';
      else if (character === (keys === undefined ? ']' : '}')) stack.pop();
      else return { offset, message: `expected "," or "${keys === undefined ? ']' : '}'}"` };
      offset += 1;
      continue;
    }

    if (expecting === 'key' || expecting === 'first-key') {
      if (expecting === 'first-key' && character === '}') {
        stack.pop();
        offset += 1;
        expecting = 'after-value';
        continue;
      }
      const problem = scanKey(match, offset, stack.at(-1));
      if (problem !== undefined) return problem;
      match(WHITE_SPACE);
      if (text[offset] !== ':') return { offset, message: 'expected ":"' };
      offset += 1;
      expecting = 'value';
      continue;
    }

    if (expecting === 'first-element' && character === ']') {
      stack.pop();
      offset += 1;
      expecting = 'after-value';
    } else if (character === '{' || character === '[') {
      if (stack.length >= maxDepth) return { offset, message: `nested deeper than ${maxDepth} levels` };
      stack.push(character === '{' ? new Set() : undefined);
      offset += 1;
      expecting = character === '{' ? 'first-key' : 'first-element';
    } else if (match(STRING) ?? match(NUMBER) ?? match(WORD)) {
      expecting = 'after-value';
    } else {
      return { offset, message: 'expected a JSON value' };
    }
  }
}

function scanKey(
  match: (pattern: RegExp) => string | undefined,
  offset: number,
  keys: Set<string> | undefined,
): JsonProblem | undefined {
  const literal = match(STRING);
  if (literal === undefined) return { offset, message: 'expected a key in double quotes' };
  const key = JSON.parse(literal) as string;
  if (FORBIDDEN_KEYS.has(key)) return { offset, message: `the key "${key}" is not allowed` };
  if (keys?.has(key)) return { offset, message: `duplicate key ${literal.slice(0, 80)}` };
  keys?.add(key);
  return undefined;
}
