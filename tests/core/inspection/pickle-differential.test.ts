import { spawnSync } from 'node:child_process';
import { beforeAll, describe, expect, it } from 'vitest';
import { streamOf } from '../../../src/core/inspection/byte-stream.ts';
import { MalformedError } from '../../../src/core/inspection/inspection.ts';
import { nextInstruction } from '../../../src/core/inspection/pickle/disassembler.ts';
import { readPickles } from '../../../src/core/inspection/pickle/read-pickle.ts';
import { bytesSource } from '../../../src/core/inspection/random-access.ts';

/**
 * Pickles of varied values in every protocol and seeded mutations of them, with what `pickletools.genops` lists for each: one
 * JSON line per stream. Nothing is loaded.
 */
const ORACLE = `
import base64, collections, datetime, decimal, json, pickle, pickletools, random
random.seed(20240607)
class Plain:
    def __init__(self): self.a = 1; self.b = "x" * 300
class Reduced:
    def __reduce__(self): return (collections.Counter, ("aab",))
values = [None, True, 1, -5, 70000, 2**70, -2**2100, 1.5, "text", "\\u20ac\\n\\\\", "x" * 5000, b"raw", b"r" * 70000, bytearray(b"ba"),
  [1, 2, [3]], (1, 2), (1, 2, 3, 4), {"a": 1, "b": [2]}, {1, 2}, frozenset([3]), Plain(), Reduced(), datetime.date(2024, 1, 2),
  decimal.Decimal("1.5"), collections.OrderedDict(a=1), collections.deque([1]), list(range(2000)), [Plain() for _ in range(3)]]
def listing(data):
    ops = []
    try:
        for op, arg, pos in pickletools.genops(data): ops.append([op.name, pos])
        return ops, None
    except Exception as error: return ops, str(error)[:100]
def emit(kind, data):
    ops, error = listing(data)
    print(json.dumps({"kind": kind, "data": base64.b64encode(data).decode(), "ops": ops, "error": error}))
for value in values:
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        data = pickle.dumps(value, protocol)
        emit("whole", data)
        if len(data) > 3000: continue
        for _ in range(12):
            changed = bytearray(data)
            for _ in range(random.choice([1, 1, 2, 5])):
                where = random.randrange(len(changed))
                action = random.randrange(3)
                if action == 0: changed[where] = random.randrange(256)
                elif action == 1: del changed[where]
                else: changed.insert(where, random.choice(pickletools.opcodes).code.encode("latin1")[0])
                if not changed: changed = bytearray(b".")
            emit("mutated", bytes(changed))
codes = [op.code.encode("latin1")[0] for op in pickletools.opcodes]
for _ in range(1500):
    emit("random", bytes(random.choice(codes) if random.random() < 0.6 else random.randrange(256) for _ in range(random.randrange(1, 60))))
`;

interface Sample {
  kind: string;
  data: string;
  ops: [string, number][];
  error: string | null;
}

let samples: Sample[] = [];
let reason: string | undefined;

beforeAll(() => {
  const python = spawnSync('python3', ['-I', '-c', ORACLE], {
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
  });
  if (python.error !== undefined) {
    reason = `python3 can't be started: ${python.error.message}`;
    return;
  }
  if (python.status !== 0) throw new Error(`the oracle failed: ${python.stderr}`);
  samples = python.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Sample);
}, 60_000);

async function disassemble(bytes: Buffer): Promise<{ ops: [string, number][]; error: string | null }> {
  const ops: [string, number][] = [];
  const stream = streamOf(bytesSource(bytes));
  try {
    for (;;) {
      const { opcode, position } = await nextInstruction(stream);
      ops.push([opcode.name, position]);
      if (opcode.name === 'STOP') return { ops, error: null };
    }
  } catch (error) {
    if (error instanceof MalformedError) return { ops, error: error.message };
    throw error;
  }
}

describe('compared with pickletools.genops', () => {
  it('whole pickles of protocols 0 to 5 give the same instructions at the same offsets', async (ctx) => {
    if (reason !== undefined) ctx.skip(reason);
    const whole = samples.filter(({ kind }) => kind === 'whole');
    expect(whole.length).toBeGreaterThan(150);
    for (const sample of whole) {
      expect(await disassemble(Buffer.from(sample.data, 'base64'))).toEqual({ ops: sample.ops, error: null });
    }
  });

  it('changed and random streams: no instruction that Python sees is missed', async (ctx) => {
    if (reason !== undefined) ctx.skip(reason);
    const others = samples.filter(({ kind }) => kind !== 'whole');
    expect(others.length).toBeGreaterThan(2_000);
    for (const sample of others) {
      const ours = await disassemble(Buffer.from(sample.data, 'base64'));
      const { data, ops, error } = sample;
      expect({ data, ops: ours.ops.slice(0, ops.length) }).toEqual({ data, ops });
      // Python also refuses texts that it can't decode; reading on after them sees more, never less.
      if (error === null) expect({ data, ...ours }).toEqual({ data, ops, error });
    }
  });

  it('reports every import of every whole pickle', async (ctx) => {
    if (reason !== undefined) ctx.skip(reason);
    for (const sample of samples.filter(({ kind }) => kind === 'whole')) {
      const report = await readPickles(streamOf(bytesSource(Buffer.from(sample.data, 'base64'))));
      const named = sample.ops.some(([name]) => /GLOBAL|INST/.test(name));
      expect(report.findings.imports.size > 0).toBe(named);
      expect(report.findings).toMatchObject({ inconsistent: false, unresolvedImports: 0 });
      expect(report.problem).toBeUndefined();
    }
  });
});
