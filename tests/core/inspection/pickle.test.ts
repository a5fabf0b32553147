import { deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { bytesSource } from '../../../src/core/inspection/random-access.ts';
import { ByteStream, streamOf } from '../../../src/core/inspection/byte-stream.ts';
import { nextInstruction } from '../../../src/core/inspection/pickle/disassembler.ts';
import { OPCODES } from '../../../src/core/inspection/pickle/opcodes.ts';
import { readPickles } from '../../../src/core/inspection/pickle/read-pickle.ts';
import { call, op, pickle } from '../../support/pickle-assembler.ts';
import { inspectBytes } from './inspect-bytes.ts';

const text = (value: string): Buffer => op('SHORT_BINUNICODE', value);

/** An instance of `sklearn.svm._classes.SVC` with a version in its state. */
const svc = [
  text('sklearn.svm._classes'),
  text('SVC'),
  'STACK_GLOBAL',
  'EMPTY_TUPLE',
  'NEWOBJ',
  'EMPTY_DICT',
  'MARK',
  text('_sklearn_version'),
  text('1.5.0'),
  'SETITEMS',
  'BUILD',
] as const;

describe('the pickle disassembler', () => {
  it('knows all 68 opcodes', () => {
    expect(OPCODES.size).toBe(68);
  });

  it.each([...OPCODES.values()].map(({ name, argument }) => [name, argument] as const))(
    'steps over %s with its %s argument exactly',
    async (name, kind) => {
      const argument =
        kind === 'line-pair' ? (['m', 'n'] as const) : /^(?:[uif]\d|line)$/.test(kind) ? 1 : 'abc';
      const bytes = pickle(op(name, argument), 'STOP');
      const stream = streamOf(bytesSource(bytes));
      expect((await nextInstruction(stream)).opcode.name).toBe(name);
      expect(stream.position).toBe(bytes.length - 1);
    },
  );

  it('reads the same from a supplier that gives one byte at a time', async () => {
    const bytes = pickle(op('PROTO', 4), ...svc, op('LONG', '12345678901234567890L'), 'POP', 'STOP');
    let at = 0;
    const stream = new ByteStream({
      pull: async () => (at < bytes.length ? bytes.subarray(at, ++at) : undefined),
      seek: () => 0,
    });
    const report = await readPickles(stream);
    expect(report.problem).toBeUndefined();
    expect([...report.findings.imports]).toEqual(['sklearn.svm._classes.SVC']);
  });

  it('ends at the instruction limit with what was seen before', async () => {
    const bytes = pickle(op('GLOBAL', ['os', 'system']), ...Array<string>(100).fill('NONE'), 'STOP');
    const report = await readPickles(streamOf(bytesSource(bytes)), { maxInstructions: 50 });
    expect(report.problem?.message).toBe('more than 50 pickle instructions');
    expect([...report.findings.imports]).toEqual(['os.system']);
  });

  it('ends at the look limit', async () => {
    const source = { pull: async () => Buffer.alloc(1024, 0x4e), seek: () => 0 };
    const report = await readPickles(new ByteStream(source, 4096));
    expect(report.problem?.message).toBe('only the first 4096 bytes were looked at');
  });

  it('costs no memory for a pickle that doubles itself', async () => {
    const doubling = Array.from({ length: 200 }, () => ['DUP', 'TUPLE2']).flat();
    const { format, warnings } = await inspectBytes(
      pickle(op('PROTO', 2), 'EMPTY_TUPLE', ...doubling, 'STOP'),
    );
    expect(format.details['class']).toBe('builtins.tuple');
    expect(warnings).toEqual([]);
  });
});

describe('the class of a pickle', () => {
  it('is that of the object on top at the end', async () => {
    const { format, warnings } = await inspectBytes(pickle(op('PROTO', 4), ...svc, 'STOP'));
    expect(format).toEqual({
      name: 'pickle',
      framework: 'sklearn',
      details: {
        protocol: 4,
        class: 'sklearn.svm._classes.SVC',
        modules: ['sklearn'],
        versions: { 'scikit-learn': '1.5.0' },
      },
    });
    expect(warnings).toEqual([]);
  });

  it('is the reconstructed class in protocol 0', async () => {
    const bytes = pickle(
      op('GLOBAL', ['copy_reg', '_reconstructor']),
      'MARK',
      op('GLOBAL', ['sklearn.svm', 'SVC']),
      op('GLOBAL', ['__builtin__', 'object']),
      'NONE',
      'TUPLE',
      'REDUCE',
      'STOP',
    );
    const { format, warnings } = await inspectBytes(bytes);
    expect(format.details['class']).toBe('sklearn.svm.SVC');
    expect(warnings).toEqual([]);
  });

  it('resolves names that come from the memo', async () => {
    const bytes = pickle(
      op('PROTO', 4),
      text('xgboost.core'),
      'MEMOIZE',
      text('Booster'),
      'MEMOIZE',
      'POP',
      'POP',
      op('BINGET', 0),
      op('BINGET', 1),
      'STACK_GLOBAL',
      'EMPTY_TUPLE',
      'NEWOBJ',
      'STOP',
    );
    const { format } = await inspectBytes(bytes);
    expect(format).toMatchObject({ framework: 'xgboost', details: { class: 'xgboost.core.Booster' } });
  });
});

describe('an import that runs code', () => {
  it.each([
    ['os', 'system', 'os.system'],
    ['posix', 'system', 'posix.system'],
    ['subprocess', 'Popen', 'subprocess.Popen'],
    ['__builtin__', 'eval', 'builtins.eval'],
    ['builtins', 'getattr', 'builtins.getattr'],
    ['runpy', '_run_code', 'runpy._run_code'],
    ['numpy.f2py.crackfortran', 'myeval', 'numpy.f2py.crackfortran.myeval'],
    ['asyncio.unix_events', '_UnixSubprocessTransport', 'asyncio.unix_events._UnixSubprocessTransport'],
    ['_osx_support', '_read_output', '_osx_support._read_output'],
  ])('%s %s is named in protocols 0 and 4', async (module, name, full) => {
    for (const protocol of [0, 4] as const) {
      const { format, warnings } = await inspectBytes(call(module, name, 'echo', protocol));
      expect(format.name).toBe('pickle');
      expect(warnings).toContain(`names ${full}: loading this file would run code`);
      expect(format.details['unknownImports']).toEqual([full]);
    }
  });

  it.each([
    ['INST', pickle('MARK', op('UNICODE', 'x'), op('INST', ['os', 'system']), 'STOP')],
    ['OBJ', pickle('MARK', op('GLOBAL', ['os', 'system']), op('UNICODE', 'x'), 'OBJ', 'STOP')],
    ['NEWOBJ', pickle(op('PROTO', 2), op('GLOBAL', ['os', 'system']), 'EMPTY_TUPLE', 'NEWOBJ', 'STOP')],
    ['POP after the call', pickle(call('os', 'system', 'x').subarray(0, -1), 'POP', 'NONE', 'STOP')],
    ['no STOP', call('os', 'system', 'x').subarray(0, -1)],
    [
      'a broken tail',
      Buffer.concat([op('PROTO', 4), call('os', 'system', 'x').subarray(0, -1), Buffer.from([0xff])]),
    ],
    ['a second pickle', Buffer.concat([pickle(op('PROTO', 4), ...svc, 'STOP'), call('os', 'system', 'x')])],
    ['a false protocol', Buffer.concat([op('PROTO', 0), call('os', 'system', 'x', 4)])],
    ['gzip', gzipSync(call('os', 'system', 'x'))],
    ['zlib', deflateSync(call('os', 'system', 'x', 4))],
    ['cut gzip', gzipSync(call('os', 'system', 'x')).subarray(0, -6)],
    ['a name that says something else', call('os', 'system', 'x')],
  ])('is seen through %s', async (_, bytes) => {
    const { warnings } = await inspectBytes(bytes, 'model.safetensors');
    expect(warnings).toContain('names os.system: loading this file would run code');
  });

  it('is not hidden by an operand that is no plain text', async () => {
    const { warnings } = await inspectBytes(
      pickle(
        op('PROTO', 4),
        op('BINBYTES', 'os'),
        text('system'),
        'STACK_GLOBAL',
        'EMPTY_TUPLE',
        'REDUCE',
        'STOP',
      ),
    );
    expect(warnings).toContain('an import name could not be resolved: loading this file may run code');
  });

  it('is not hidden behind an attribute path of an allowed module', async () => {
    const { format, warnings } = await inspectBytes(call('sklearn.svm', 'os.system', 'x', 4));
    expect(format.details['unknownImports']).toEqual(['sklearn.svm.os.system']);
    expect(warnings.join()).toMatch(/sklearn\.svm\.os\.system.*may run code/);
  });

  it('may be any module that is not known', async () => {
    const { format, warnings } = await inspectBytes(call('surprise.module', 'thing', 'x', 4));
    expect(format.details['unknownImports']).toEqual(['surprise.module.thing']);
    expect(warnings.join()).toMatch(/not of a known machine-learning library/);
  });

  it('is suspected behind an extension code', async () => {
    const { warnings } = await inspectBytes(
      pickle(op('PROTO', 2), op('EXT1', 5), 'EMPTY_TUPLE', 'REDUCE', 'STOP'),
    );
    expect(warnings.join()).toMatch(/extension code/);
  });

  it('is seen when the file claims to be another format', async () => {
    const catboost = Buffer.concat([Buffer.from('CBM1'), Buffer.alloc(64), call('os', 'system', 'x')]);
    const { format, warnings } = await inspectBytes(catboost);
    expect(format.name).toBe('catboost-cbm');
    expect(warnings.join()).toMatch(/also reads as a pickle that names os\.system/);
  });
});

describe('a malformed pickle', () => {
  it.each([
    ['cut inside an argument', Buffer.from('80048c10616263', 'hex'), /ends early/],
    ['an unknown opcode', Buffer.from('8004ff', 'hex'), /byte 0xff at 2 is no pickle opcode/],
    [
      'a negative length',
      Buffer.concat([op('PROTO', 2), Buffer.from('54ffffffff', 'hex')]),
      /negative length/,
    ],
    [
      'a huge length',
      Buffer.concat([op('PROTO', 4), Buffer.from('8effffffffffffffff', 'hex')]),
      /a length of/,
    ],
    ['an unset memo', pickle(op('PROTO', 2), op('BINGET', 9), 'STOP'), /inconsistent pickle/],
    ['an unknown protocol', pickle(op('PROTO', 9), 'NONE', 'STOP'), /protocol 9 is not known/],
    [
      'bytes at the end',
      Buffer.concat([pickle(op('PROTO', 2), 'NONE', 'STOP'), Buffer.from([0, 1])]),
      /after the end/,
    ],
  ])('gives a warning: %s', async (_, bytes, warning) => {
    const { format, warnings } = await inspectBytes(bytes);
    expect(format.name).toBe('pickle');
    expect(warnings.join('\n')).toMatch(warning);
  });

  it.each(['', 'a,b\n1,2\n', '# Title\n\nSome text.\n', 'city\nParis\n', '<html></html>', '%PDF-1.7'])(
    'is not what %j is taken for',
    async (content) => {
      expect(await inspectBytes(content)).toEqual({
        format: { name: 'unknown', framework: 'unknown', details: {} },
        warnings: [],
      });
    },
  );
});
