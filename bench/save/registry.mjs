import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { STORED_VERSIONS, versionLabel, writeRegistry } from '../registry.mjs';
import { fixed, row, sample, sampleOf } from '../rows.mjs';

const MODEL = 'fraud_detector';

/** What is asked of the registry: the arguments in each round, and the most the answer may take, in seconds. */
const QUESTIONS = [
  { id: 'registry-list', argsOf: () => ['list'], seconds: 1 },
  { id: 'registry-list-model', argsOf: () => ['list', MODEL], seconds: 1 },
  { id: 'registry-history', argsOf: () => ['history', MODEL], seconds: 1 },
  { id: 'registry-show', argsOf: () => ['show', `${MODEL}@production`], seconds: 1 },
  {
    id: 'registry-promote',
    // Another version than the last one each time, so that there is always something to write.
    argsOf: (round) => ['promote', `${MODEL}@${versionLabel(round % STORED_VERSIONS)}`],
    shown: `promote ${MODEL}@...`,
    seconds: 1,
  },
  { id: 'registry-verify', argsOf: () => ['verify', '--metadata-only'], seconds: 5, wholeTime: true },
];

export const registryGroup = {
  rows: QUESTIONS.flatMap(({ id }) => [id, `${id}-cold`]),
  // Sixty thousand files that fill a block each, and Git's copies of them.
  space: 2 ** 30,
  async run(bench) {
    const versions = bench.scaled(10_000, 2 * STORED_VERSIONS);
    const events = versions * 5;
    const size = `${versions.toLocaleString('en')} versions, ${events.toLocaleString('en')} events`;
    bench.log(`a registry of ${size} in one model`);
    const repository = await bench.repository('registry');
    const stored = await storeOne(bench, repository);
    await writeRegistry(repository, { model: MODEL, versions, events, stored, signal: bench.signal });
    await commitAll(bench, repository);
    await bench.settle();
    await mustBeSound(bench, repository, { versions, events });
    const asked = { repository, size, startUp: await bench.startUp() };
    await askAll(bench, { ...asked, cold: true });
    await bench.settle();
    // Once untimed: what the cold runs wrote last is read, and the index is written again.
    await bench.mlops(repository, ['list', MODEL]);
    await askAll(bench, { ...asked, cold: false });
    bench.remove(repository);
  },
};

/** Bytes for the versions that get promoted; the model they come in with is taken out again. */
async function storeOne(bench, repository) {
  const source = bench.path('stored.bin');
  writeFileSync(source, 'bytes of a small model\n');
  const { data } = await bench.mlopsJson(repository, ['save', 'seed', source, '--version', 'v1']);
  await bench.run(['git', '-C', repository, 'rm', '-r', '-f', '--quiet', '.mlops/models/seed']);
  bench.remove(source, join(repository, '.mlops/models/seed'), indexOf(repository));
  return { digest: data.digest, size: data.size };
}

/** As a clone would have it: a Git index of sixty thousand entries is part of what `promote` costs. */
async function commitAll(bench, repository) {
  await bench.run(['git', '-C', repository, '-c', 'core.looseCompression=0', 'add', '.mlops']);
  await bench.run(['git', '-C', repository, '-c', 'gc.auto=0', 'commit', '--quiet', '--message=registry']);
}

/** @throws Error when the generated registry is not what `mlops` itself would have written */
async function mustBeSound(bench, repository, { versions, events }) {
  const { stdout, stderr } = await bench.mlops(repository, ['verify', '--metadata-only', '--json'], {
    capture: true,
  });
  const { checked, damage, notices } = JSON.parse(stdout).data;
  const sound = damage.length === 0 && notices.length === 0;
  if (sound && checked.records === versions && checked.events === events) return;
  throw new Error(`the generated registry is not sound: ${JSON.stringify({ checked, notices })} ${stderr}`);
}

async function askAll(bench, { cold, ...asked }) {
  for (const question of QUESTIONS) {
    const id = cold ? `${question.id}-cold` : question.id;
    if (bench.wants(id)) bench.add(await ask(bench, { ...question, ...asked, id, cold }));
  }
}

async function ask(
  bench,
  { id, argsOf, shown, seconds, wholeTime = false, repository, size, startUp, cold },
) {
  const task = {
    ...(cold ? { before: () => bench.remove(indexOf(repository)) } : {}),
    run: (round) => bench.mlops(repository, argsOf(cold ? round : round + bench.options.repeat)),
  };
  const { [id]: runs } = await bench.interleave({ [id]: task }, bench.options.repeat + (cold ? 0 : 2));
  const whole = sampleOf(runs, 'seconds');
  const above = sample(
    's',
    whole.runs.map((run) => run - startUp.median),
  );
  return row({
    id,
    what: `\`${shown ?? argsOf(0).join(' ')}\`, ${size}${cold ? ', without an index as in a new clone' : ''}`,
    budget: wholeTime ? `< ${seconds} s` : `< ${seconds} s above start-up`,
    limit: { atMost: 1 },
    measured: wholeTime ? whole : above,
    bound: fixed('s', seconds),
    boundIs: wholeTime
      ? 'the budget'
      : 'the budget; start-up (`mlops --version`) is taken off what was measured',
    details: wholeTime ? {} : { 'whole time': whole, 'start-up': startUp },
  });
}

function indexOf(repository) {
  return join(repository, '.mlops/cache/index');
}
