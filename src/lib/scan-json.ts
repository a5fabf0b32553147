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

interface Walk {
  readonly text: string;
  readonly maxDepth: number;
  /** One entry an open bracket: the keys seen so far of an object, undefined for an array. */
  readonly stack: (Set<string> | undefined)[];
  offset: number;
  expecting: Expectation;
}

/**
 * Walks a JSON text (RFC 8259) without building it and reports the first syntax error, duplicate key, forbidden key or
 * nesting beyond `maxDepth`. `JSON.parse` alone accepts duplicate keys silently and gives no line.
 */
export function scanJson(text: string, maxDepth: number): JsonProblem | undefined {
  const walk: Walk = { text, maxDepth, stack: [], offset: 0, expecting: 'value' };
  for (;;) {
    walk.offset = skipWhiteSpace(text, walk.offset);
    const atEnd = walk.offset === text.length;
    if (walk.expecting === 'after-value' && walk.stack.length === 0) {
      return atEnd ? undefined : { offset: walk.offset, message: 'unexpected text after the value' };
    }
    const message = atEnd ? 'unexpected end of the file' : step(walk);
    if (message !== undefined) return { offset: walk.offset, message };
  }
}

/** Moves on by one token; what it returns is wrong at the offset where it stopped. */
function step(walk: Walk): string | undefined {
  switch (walk.expecting) {
    case 'after-value':
      return stepAfterValue(walk);
    case 'key':
    case 'first-key':
      return stepKey(walk);
    case 'value':
    case 'first-element':
      return stepValue(walk);
  }
}

function stepAfterValue(walk: Walk): string | undefined {
  const keys = walk.stack.at(-1);
  const closing = keys === undefined ? ']' : '}';
  const character = walk.text[walk.offset];
  if (character === ',') walk.expecting = keys === undefined ? 'value' : 'key';
  else if (character === closing) walk.stack.pop();
  else return `expected "," or "${closing}"`;
  walk.offset += 1;
  return undefined;
}

function stepKey(walk: Walk): string | undefined {
  const { text, offset } = walk;
  if (walk.expecting === 'first-key' && text[offset] === '}') return close(walk);
  const end = endOfString(text, offset);
  if (end === undefined) return 'expected a key in double quotes';
  const problem = checkKey(text.slice(offset, end), walk.stack.at(-1));
  if (problem !== undefined) return problem;
  walk.offset = skipWhiteSpace(text, end);
  if (text[walk.offset] !== ':') return 'expected ":"';
  walk.offset += 1;
  walk.expecting = 'value';
  return undefined;
}

function stepValue(walk: Walk): string | undefined {
  const { text, offset, stack } = walk;
  const character = text[offset];
  if (walk.expecting === 'first-element' && character === ']') return close(walk);
  if (character === '{' || character === '[') {
    if (stack.length >= walk.maxDepth) return `nested deeper than ${walk.maxDepth} levels`;
    stack.push(character === '{' ? new Set() : undefined);
    walk.offset += 1;
    walk.expecting = character === '{' ? 'first-key' : 'first-element';
    return undefined;
  }
  const end = endOfString(text, offset) ?? endOfNumber(text, offset) ?? endOfWord(text, offset);
  if (end === undefined) return 'expected a JSON value';
  walk.offset = end;
  walk.expecting = 'after-value';
  return undefined;
}

function close(walk: Walk): undefined {
  walk.stack.pop();
  walk.offset += 1;
  walk.expecting = 'after-value';
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
