import type { Instruction } from './disassembler.ts';
import type { Findings, Value } from './values.ts';

const MAX_TUPLE = 64;
const MAX_ENTRIES = 64;
const MAX_IMPORTS = 10_000;
const OTHER: Value = { kind: 'other', type: 'other' };
const VERSION_KEYS = new Set([
  '_sklearn_version',
  'pytorch-lightning_version',
  'catboost_version',
  'xgboost_version',
]);

/** A stack machine over symbolic values. It resolves names; it never imports, calls or builds anything. */
export class PickleMachine {
  readonly #findings: Findings;
  readonly #stack: Value[] = [];
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, Value>();

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  /** The value on top of the stack, which is the result after STOP. */
  get top(): Value {
    return this.#stack.at(-1) ?? OTHER;
  }

  push(value: Value): void {
    this.#stack.push(value);
  }

  /** Applies one instruction; PROTO, FRAME and STOP change nothing. */
  step(instruction: Instruction): void {
    const { opcode, text, name, number } = instruction;
    switch (opcode.name) {
      case 'PROTO':
      case 'FRAME':
      case 'STOP':
      case 'READONLY_BUFFER':
        return;
      case 'GLOBAL':
        return this.push(this.#import(text ?? '', name ?? ''));
      case 'STACK_GLOBAL':
        return this.#stackGlobal();
      case 'INST': {
        const items = this.#popMark();
        return this.push(this.#call(this.#import(text ?? '', name ?? ''), { kind: 'tuple', items }));
      }
      case 'OBJ': {
        const [callee = this.#missing(), ...items] = this.#popMark();
        return this.push(this.#call(callee, { kind: 'tuple', items }));
      }
      case 'NEWOBJ_EX':
        this.#pop();
        return this.#reduce();
      case 'NEWOBJ':
      case 'REDUCE':
        return this.#reduce();
      case 'BUILD':
        return this.#build();
      case 'EXT1':
      case 'EXT2':
      case 'EXT4':
        this.#findings.extensionCodes += 1;
        return this.push(OTHER);
      case 'PERSID':
        this.#findings.persistentIds += 1;
        return this.push(OTHER);
      case 'BINPERSID': {
        this.#findings.persistentIds += 1;
        return this.push({ kind: 'object', callee: OTHER, arguments: this.#pop() });
      }
      case 'INT':
      case 'LONG':
        return this.push(lineNumber(text ?? ''));
      default:
        if (this.#stepMemo(opcode.name, Number.parseInt(text ?? '', 10), number)) return;
        if (this.#stepContainer(opcode.name)) return;
        if (text !== undefined)
          this.push({ kind: 'text', text: opcode.name === 'STRING' ? text.slice(1, -1) : text });
        else if (number !== undefined) this.push({ kind: 'number', number });
        else this.push({ kind: 'other', type: opcode.name });
    }
  }

  #stepMemo(opcode: string, line: number, number: number | undefined): boolean {
    const index = number ?? line;
    switch (opcode) {
      case 'GET':
      case 'BINGET':
      case 'LONG_BINGET':
        this.push(this.#memo.get(index) ?? this.#missing());
        return true;
      case 'PUT':
      case 'BINPUT':
      case 'LONG_BINPUT':
        this.#memo.set(index, this.top);
        return true;
      case 'MEMOIZE':
        this.#memo.set(this.#memo.size, this.top);
        return true;
      default:
        return false;
    }
  }

  #stepContainer(opcode: string): boolean {
    switch (opcode) {
      case 'MARK':
        this.#marks.push(this.#stack.length);
        return true;
      case 'POP':
        if (this.#marks.at(-1) === this.#stack.length) this.#marks.pop();
        else this.#pop();
        return true;
      case 'POP_MARK':
      case 'APPENDS':
      case 'ADDITEMS':
        this.#popMark();
        return true;
      case 'APPEND':
        this.#pop();
        return true;
      case 'DUP':
        this.push(this.#stack.at(-1) ?? this.#missing());
        return true;
      case 'EMPTY_TUPLE':
        this.push({ kind: 'tuple', items: [] });
        return true;
      case 'TUPLE1':
      case 'TUPLE2':
      case 'TUPLE3':
        this.push({ kind: 'tuple', items: this.#popMany(Number(opcode.at(-1))) });
        return true;
      case 'TUPLE':
        this.push({ kind: 'tuple', items: this.#popMark().slice(0, MAX_TUPLE) });
        return true;
      case 'EMPTY_DICT':
        this.push({ kind: 'dict', entries: new Map() });
        return true;
      case 'DICT':
        this.push({ kind: 'dict', entries: new Map() });
        this.#setItems(this.#popMarkBelowTop());
        return true;
      case 'SETITEM':
        this.#setItems(this.#popMany(2));
        return true;
      case 'SETITEMS':
        this.#setItems(this.#popMark());
        return true;
      case 'LIST':
      case 'FROZENSET':
        this.#popMark();
        this.push({ kind: 'other', type: opcode });
        return true;
      default:
        return false;
    }
  }

  #missing(): Value {
    this.#findings.inconsistent = true;
    return OTHER;
  }

  #pop(): Value {
    if ((this.#marks.at(-1) ?? 0) >= this.#stack.length) return this.#missing();
    return this.#stack.pop() ?? OTHER;
  }

  #popMany(count: number): Value[] {
    const items: Value[] = [];
    for (let left = count; left > 0; left -= 1) items.unshift(this.#pop());
    return items;
  }

  #popMark(): Value[] {
    const mark = this.#marks.pop();
    if (mark === undefined) {
      this.#missing();
      return [];
    }
    return this.#stack.splice(mark);
  }

  #popMarkBelowTop(): Value[] {
    const dict = this.#pop();
    const items = this.#popMark();
    this.push(dict);
    return items;
  }

  #setItems(items: readonly Value[]): void {
    const target = this.top;
    for (let index = 0; index + 1 < items.length; index += 2) {
      const key = items[index];
      const value = items[index + 1];
      if (key?.kind !== 'text' || value === undefined) continue;
      if (target.kind === 'dict' && (target.entries.size < MAX_ENTRIES || target.entries.has(key.text))) {
        target.entries.set(key.text, value);
      }
      if (VERSION_KEYS.has(key.text) && value.kind === 'text')
        this.#findings.versions.set(key.text, value.text);
    }
  }

  #import(module: string, name: string): Value {
    if (name.includes('.')) this.#findings.attributePaths.add(`${module}:${name}`);
    const global = `${module}.${name}`;
    if (this.#findings.imports.size < MAX_IMPORTS) this.#findings.imports.add(global);
    return { kind: 'global', global };
  }

  #stackGlobal(): void {
    const name = this.#pop();
    const module = this.#pop();
    if (module.kind === 'text' && name.kind === 'text') {
      this.push(this.#import(module.text, name.text));
      return;
    }
    this.#findings.unresolvedImports += 1;
    this.push(OTHER);
  }

  #reduce(): void {
    const values = this.#pop();
    this.push(this.#call(this.#pop(), values));
  }

  #call(callee: Value, values: Value): Value {
    if (callee.kind === 'global') this.#findings.calls.add(callee.global);
    return { kind: 'object', callee, arguments: values };
  }

  #build(): void {
    const state = this.#pop();
    const target = this.top;
    if (target.kind === 'object') target.state = state;
  }
}

function lineNumber(text: string): Value {
  const number = Number.parseInt(text, 10);
  return Number.isSafeInteger(number) ? { kind: 'number', number } : OTHER;
}
