/** The first problem found in a JSON text, with its offset in UTF-16 code units. */
export interface JsonProblem {
  offset: number;
  message: string;
}

const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype']);
const SIMPLE_ESCAPES = new Set('"\\/bfnrt');
const FOUR_HEX = /^[0-9a-fA-F]{4}$/;
const WORDS = ['true', 'false', 'null'];
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;

type Expectation = 'value' | 'first-element' | 'first-key' | 'key' | 'after-value';

/**
 * Walks a JSON text (RFC 8259) without building it and reports the first syntax error, duplicate key, forbidden key or
 * nesting beyond `maxDepth`. `JSON.parse` alone accepts duplicate keys silently and gives no line.
 */
export function scanJson(text: string, maxDepth: number): JsonProblem | undefined {
  const stack: (Set<string> | undefined)[] = [];
  let offset = 0;
  let expecting: Expectation = 'value';

  for (;;) {
    offset = skipWhiteSpace(text, offset);
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
      const end = endOfString(text, offset);
      if (end === undefined) return { offset, message: 'expected a key in double quotes' };
      const problem = checkKey(text.slice(offset, end), stack.at(-1));
      if (problem !== undefined) return { offset, message: problem };
      offset = skipWhiteSpace(text, end);
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
    } else {
      const end = endOfString(text, offset) ?? endOfNumber(text, offset) ?? endOfWord(text, offset);
      if (end === undefined) return { offset, message: 'expected a JSON value' };
      offset = end;
      expecting = 'after-value';
    }
  }
}

/** What is wrong with a key, given as the literal in the text; remembers it otherwise. */
function checkKey(literal: string, keys: Set<string> | undefined): string | undefined {
  const key = literal.includes('\\') ? (JSON.parse(literal) as string) : literal.slice(1, -1);
  if (FORBIDDEN_KEYS.has(key)) return `the key "${key}" is not allowed`;
  if (keys?.has(key)) return `duplicate key ${literal.slice(0, 80)}`;
  keys?.add(key);
  return undefined;
}

// Loops in place of regular expressions, whose backtracking overflows the stack on a string of some megabytes.

function skipWhiteSpace(text: string, start: number): number {
  let offset = start;
  for (;;) {
    const code = text.charCodeAt(offset);
    if (code !== SPACE && code !== 0x0a && code !== 0x0d && code !== 0x09) return offset;
    offset += 1;
  }
}

function endOfString(text: string, start: number): number | undefined {
  if (text.charCodeAt(start) !== QUOTE) return undefined;
  let offset = start + 1;
  for (;;) {
    const code = text.charCodeAt(offset);
    if (code === QUOTE) return offset + 1;
    if (Number.isNaN(code) || code < SPACE) return undefined;
    if (code !== BACKSLASH) {
      offset += 1;
      continue;
    }
    const escape = text[offset + 1] ?? '';
    if (SIMPLE_ESCAPES.has(escape)) offset += 2;
    else if (escape === 'u' && FOUR_HEX.test(text.slice(offset + 2, offset + 6))) offset += 6;
    else return undefined;
  }
}

function endOfNumber(text: string, start: number): number | undefined {
  const first = text[start] === '-' ? start + 1 : start;
  let end = text[first] === '0' ? first + 1 : endOfDigits(text, first);
  if (end === first) return undefined;
  if (text[end] === '.') {
    const fraction = endOfDigits(text, end + 1);
    if (fraction > end + 1) end = fraction;
  }
  if (text[end] === 'e' || text[end] === 'E') {
    const sign = text[end + 1] === '+' || text[end + 1] === '-' ? 1 : 0;
    const exponent = endOfDigits(text, end + 1 + sign);
    if (exponent > end + 1 + sign) end = exponent;
  }
  return end;
}

function endOfDigits(text: string, start: number): number {
  let offset = start;
  for (;;) {
    const code = text.charCodeAt(offset);
    if (!(code >= 0x30 && code <= 0x39)) return offset;
    offset += 1;
  }
}

function endOfWord(text: string, start: number): number | undefined {
  const word = WORDS.find((candidate) => text.startsWith(candidate, start));
  return word === undefined ? undefined : start + word.length;
}
