import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { lintDurability } from '../support/fault-durability.ts';
import { copyRepository, noise, sharedRepository } from '../support/fault-repository.ts';
import { parseLog, straceProblem, traceEverything } from '../support/strace.ts';

const repository = sharedRepository();

describe('what a power loss finds on the disk (A22)', () => {
  test.for([
    {
      argv: ['save', 'demo', 'build', '--version', 'v3'],
      named: ['packs', 'manifests', 'versions', 'events'],
    },
    {
      argv: ['save', 'new-model', 'large.bin'],
      named: ['packs', 'manifests', 'model', 'versions', 'events'],
    },
    { argv: ['promote', 'demo@v1'], named: ['pending', 'events', 'stages'] },
    { argv: ['rollback', 'demo', '--reason', 'test'], named: ['pending', 'events', 'stages'] },
    { argv: ['annotate', 'demo@v1', '--tag', 'a=b'], named: ['events'] },
    { argv: ['deprecate', 'demo@v1', '--reason', 'test'], named: ['events'] },
    { argv: ['delete', 'demo@v1', '--reason', 'test'], named: ['events'] },
  ])('$argv.0 flushes bytes and names in order before it says so', async ({ argv, named }, ctx) => {
    const problem = straceProblem();
    if (problem !== undefined) ctx.skip(problem);
    const { root, env, scratch } = await copyRepository(repository());
    await writeFile(join(root, 'large.bin'), noise(40 * 1024 * 1024));
    const run = await traceEverything(argv, { cwd: root, env, scratch });
    expect(run).toMatchObject({ code: 0 });
    expect(lintDurability(run.calls, root)).toEqual({ violations: [], named });
  });
});

describe('the lint itself', () => {
  const FINE = [
    'openat(AT_FDCWD</r>, "/r/.mlops/models/m/events/.tmp-1", O_WRONLY|O_CREAT|O_EXCL, 0644) = 9</r/.mlops/models/m/events/.tmp-1>',
    'write(9</r/.mlops/models/m/events/.tmp-1>, "{}", 2) = 2',
    'fsync(9</r/.mlops/models/m/events/.tmp-1>) = 0',
    'link("/r/.mlops/models/m/events/.tmp-1", "/r/.mlops/models/m/events/e.json") = 0',
    'fsync(9</r/.mlops/models/m/events>) = 0',
    'rename("/r/.mlops/models/m/stages/.tmp-2", "/r/.mlops/models/m/stages/s.json") = 0',
    'fsync(9</r/.mlops/models/m/stages>) = 0',
    'write(1</dev/pts/0>, "done", 4) = 4',
  ];
  const flushPointer = 'fsync(9</r/.mlops/models/m/stages/.tmp-2>) = 0';
  const without = (line: number): string[] => [flushPointer, ...FINE.filter((_, index) => index !== line)];
  const lint = (lines: readonly string[]): string[] =>
    lintDurability(parseLog(lines.join('\n')), '/r').violations;

  test('accepts what is in order', () => {
    expect(lint([flushPointer, ...FINE])).toEqual([]);
  });

  test.each([
    { missing: 'the flush of the file', line: 2, says: /got its name before its bytes/ },
    { missing: 'the flush of its directory', line: 4, says: /before that of events .* was flushed/ },
    { missing: 'the last flush', line: 6, says: /stages .* was not flushed when success was reported/ },
  ])('misses $missing', ({ line, says }) => {
    expect(lint(without(line)).join('\n')).toMatch(says);
  });

  test('sees a write after the flush, and a pointer before its event', () => {
    const [open = '', write = '', flush = '', ...rest] = FINE;
    expect(lint([flushPointer, open, flush, write, ...rest]).join('\n')).toMatch(
      /got its name before its bytes/,
    );
    expect(lint([flushPointer, ...FINE.slice(5), ...FINE.slice(0, 5)]).join('\n')).toMatch(
      /events came after stages/,
    );
  });
});
