import type { Value } from './values.ts';

/** Functions that build an instance of the class they are given as first argument. */
const RECONSTRUCTORS =
  /^(?:(?:copyreg|copy_reg)\.(?:_reconstructor|__newobj__|__newobj_ex__)|numpy\.(?:_core|core)\.multiarray\._reconstruct)$/;
const WRAPPERS = /^(?:sklearn\.externals\.)?joblib\.numpy_pickle\.(?:NumpyArrayWrapper|NDArrayWrapper)$/;

/** Python 2 wrote `__builtin__` and `copy_reg`; Python 3 reads them under today's names. */
export function modernName(global: string): string {
  return global.replace(/^__builtin__\./, 'builtins.').replace(/^copy_reg\./, 'copyreg.');
}

/** The dotted class of an unpickled value such as `sklearn.svm._classes.SVC`, or undefined when it can't be told. */
export function classOf(value: Value): string | undefined {
  switch (value.kind) {
    case 'text':
      return 'builtins.str';
    case 'number':
      return 'builtins.int';
    case 'tuple':
      return 'builtins.tuple';
    case 'dict':
      return 'builtins.dict';
    case 'global':
      return modernName(value.global);
    case 'object':
      return classOfObject(value);
    case 'other':
      return BUILTIN_OPCODES.get(value.type);
  }
}

/** True for the object that joblib writes in front of the raw bytes of an array. */
export function isArrayWrapper(value: Value): value is Value & { kind: 'object' } {
  return value.kind === 'object' && WRAPPERS.test(classOfObject(value) ?? '');
}

const BUILTIN_OPCODES: ReadonlyMap<string, string> = new Map([
  ['EMPTY_LIST', 'builtins.list'],
  ['LIST', 'builtins.list'],
  ['EMPTY_SET', 'builtins.set'],
  ['FROZENSET', 'builtins.frozenset'],
  ['NONE', 'builtins.NoneType'],
  ['NEWTRUE', 'builtins.bool'],
  ['NEWFALSE', 'builtins.bool'],
  ['FLOAT', 'builtins.float'],
  ['BINFLOAT', 'builtins.float'],
  ['LONG1', 'builtins.int'],
  ['LONG4', 'builtins.int'],
  ['BINBYTES', 'builtins.bytes'],
  ['SHORT_BINBYTES', 'builtins.bytes'],
  ['BINBYTES8', 'builtins.bytes'],
  ['BYTEARRAY8', 'builtins.bytearray'],
  ['BINUNICODE', 'builtins.str'],
  ['BINUNICODE8', 'builtins.str'],
]);

function classOfObject(value: Value & { kind: 'object' }): string | undefined {
  if (value.callee.kind !== 'global') return undefined;
  if (RECONSTRUCTORS.test(value.callee.global) && value.arguments.kind === 'tuple') {
    const first = value.arguments.items[0];
    if (first?.kind === 'global') return modernName(first.global);
  }
  return modernName(value.callee.global);
}
