import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import type { Io } from '../../src/cli/context.ts';
import { createProcessIo, type OutputStream } from '../../src/cli/process-io.ts';

interface FakeStream extends OutputStream {
  written: string[];
}

function stream(properties: { isTTY?: boolean; columns?: number; failWith?: Error } = {}): FakeStream {
  const emitter = new EventEmitter();
  const written: string[] = [];
  return {
    ...(properties.isTTY === undefined ? {} : { isTTY: properties.isTTY }),
    ...(properties.columns === undefined ? {} : { columns: properties.columns }),
    written,
    on: (event, listener) => emitter.on(event, listener),
    write: (text, done) => {
      if (properties.failWith !== undefined) setImmediate(() => emitter.emit('error', properties.failWith));
      else written.push(Buffer.from(text).toString());
      if (done !== undefined) setImmediate(done);
    },
  };
}

const errno = (code: string): Error => Object.assign(new Error(`write ${code}`), { code });

describe('createProcessIo', () => {
  test.each([
    ['a terminal', true, {}, true],
    ['no terminal', false, {}, false],
    ['NO_COLOR on a terminal', true, { NO_COLOR: '1' }, false],
    ['an empty NO_COLOR', true, { NO_COLOR: '' }, true],
    ['FORCE_COLOR without a terminal', false, { FORCE_COLOR: '1' }, true],
    ['an empty FORCE_COLOR', false, { FORCE_COLOR: '' }, true],
    ['FORCE_COLOR=0 on a terminal', true, { FORCE_COLOR: '0' }, false],
    ['both', false, { NO_COLOR: '1', FORCE_COLOR: '1' }, false],
    ['a dumb terminal', true, { TERM: 'dumb' }, false],
  ])('colours with %s', (_name, isTTY, env, expected) => {
    const io = createProcessIo({ stdout: stream({ isTTY }), stderr: stream({ isTTY }), env });
    expect([io.outColor, io.errColor]).toEqual([expected, expected]);
  });

  test('the width is that of the terminal, and unlimited where there is none', () => {
    const width = (stdout: OutputStream): number =>
      createProcessIo({ stdout, stderr: stream(), env: {} }).columns;
    expect([stream({ isTTY: true, columns: 132 }), stream({ isTTY: true }), stream()].map(width)).toEqual([
      132,
      80,
      Infinity,
    ]);
  });

  test('writes to the stream it was asked for', async () => {
    const [stdout, stderr] = [stream(), stream()];
    const io = createProcessIo({ stdout, stderr, env: {} });
    io.out('result');
    io.out('');
    io.err('talk');
    expect(await io.flush()).toBeUndefined();
    expect([stdout.written.filter((text) => text !== ''), stderr.written]).toEqual([['result'], ['talk']]);
  });

  test('a reader that left is no failure; a full disk is', async () => {
    const flush = async (code: string): Promise<Error | undefined> => {
      const io = createProcessIo({ stdout: stream({ failWith: errno(code) }), stderr: stream(), env: {} });
      io.out('result');
      return io.flush();
    };
    expect(await flush('EPIPE')).toBeUndefined();
    expect(await flush('ENOSPC')).toMatchObject({ code: 'ENOSPC' });
  });

  test('what can not be said on stderr is not said', () => {
    const io = createProcessIo({ stdout: stream(), stderr: stream({ failWith: errno('EPIPE') }), env: {} });
    expect(() => io.err('talk')).not.toThrow();
  });
});

describe('a question', () => {
  function asking(): { ask: NonNullable<Io['ask']>; input: PassThrough; stderr: FakeStream } {
    const input = new PassThrough();
    const stderr = stream({ isTTY: true });
    const openStdin = (): NodeJS.ReadStream =>
      Object.assign(input, { isTTY: true }) as unknown as NodeJS.ReadStream;
    const { ask } = createProcessIo({ openStdin, stdout: stream(), stderr, env: {} });
    if (ask === undefined) throw new Error('nobody can be asked');
    return { ask, input, stderr };
  }

  test('goes to stderr and is answered by a line', async () => {
    const { ask, input, stderr } = asking();
    const answer = ask('Really? ', new AbortController().signal);
    input.write('yes\nmore');
    expect(await answer).toBe('yes');
    expect(stderr.written).toEqual(['Really? ']);
  });

  test('is answered by nothing when the input ends', async () => {
    const { ask, input } = asking();
    const answer = ask('Really? ', new AbortController().signal);
    input.end();
    expect(await answer).toBe('');
  });

  test('ends with the interruption', async () => {
    const { ask } = asking();
    const controller = new AbortController();
    const answer = ask('Really? ', controller.signal);
    controller.abort();
    await expect(answer).rejects.toMatchObject({ code: 'INTERRUPTED', exitCode: 130 });
  });

  test('is not put where stdin is no terminal', () => {
    const openStdin = (): NodeJS.ReadStream => new PassThrough() as unknown as NodeJS.ReadStream;
    expect(createProcessIo({ openStdin, stdout: stream(), stderr: stream(), env: {} }).ask).toBeUndefined();
    expect(createProcessIo({ stdout: stream(), stderr: stream(), env: {} }).ask).toBeUndefined();
  });
});

describe('what was piped in', () => {
  const opened = (input: PassThrough): Io =>
    createProcessIo({
      openStdin: () => input as unknown as NodeJS.ReadStream,
      stdout: stream(),
      stderr: stream(),
      env: {},
    });

  test('is read to its end, characters cut between two pieces included', async () => {
    const input = new PassThrough();
    const bytes = Buffer.from('refs/heads/ü\n');
    const all = opened(input).input?.();
    input.write(bytes.subarray(0, 12));
    input.end(bytes.subarray(12));
    expect(await all).toBe('refs/heads/ü\n');
  });

  test('is nothing where there is no stdin, and nobody waits for a terminal', async () => {
    expect(await createProcessIo({ stdout: stream(), stderr: stream(), env: {} }).input?.()).toBe('');
    expect(opened(Object.assign(new PassThrough(), { isTTY: true })).input).toBeUndefined();
  });
});
