import { versionLabel, writeRegistry } from '../registry.mjs';
import { fixed, row, sample, sampleOf } from '../rows.mjs';

const MODEL = 'fraud_detector';

/** What is asked of the registry: `args` of a command, and the most it may take, in seconds. */
const QUESTIONS = [
  { id: 'registry-list', args: ['list'], seconds: 1 },
  { id: 'registry-list-model', args: ['list', MODEL], seconds: 1 },
  { id: 'registry-history', args: ['history', MODEL], seconds: 1 },
  { id: 'registry-show', args: ['show', `${MODEL}@production`], seconds: 1 },
  { id: 'registry-promote', seconds: 1 },
  { id: 'registry-verify', args: ['verify', '--metadata-only'], seconds: 5, wholeTime: true },
];

export const registryGroup = {
  rows: QUESTIONS.map(({ id }) => id),
  // Sixty thousand files that fill a block each, and Git's copies of them.
  space: 2 ** 30,
  async run(bench) {
    const { signal } = bench;
    const versions = bench.scaled(10_000, 10);
    const counts = { versions, events: versions * 5 };
    bench.log(`a registry of ${versions} versions and ${counts.events} events in one model`);
    const repository = await bench.repository('registry');
    await writeRegistry(repository, { model: MODEL, ...counts, signal });
    await commitAll(bench, repository);
    await bench.settle();
    await mustBeSound(bench, repository, counts);
    for (const question of QUESTIONS) {
      if (bench.wants(question.id)) await ask(bench, { repository, versions, ...question });
    }
    bench.remove(repository);
  },
};

/** As a clone would have it: a Git index of sixty thousand entries is part of what `promote` costs. */
async function commitAll(bench, repository) {
  await bench.run(['git', '-C', repository, '-c', 'core.looseCompression=0', 'add', '.mlops']);
  await bench.run(['git', '-C', repository, '-c', 'gc.auto=0', 'commit', '--quiet', '--message=registry']);
}

/** @throws Error when the generated registry is not what `mlops` itself would have written */
async function mustBeSound(bench, repository, { versions, events }) {
  const { checked, damage } = await bench.mlopsJson(repository, ['verify', '--metadata-only']);
  if (damage.length === 0 && checked.records === versions && checked.events === events) return;
  throw new Error(`the generated registry is damaged: ${JSON.stringify({ checked, damage: damage.slice(0, 3) })}`);
}

async function ask(bench, { id, args, seconds, wholeTime = false, repository, versions }) {
  // Each round promotes another version, so that there is always something to write.
  const argsOf = (round) => args ?? ['promote', `${MODEL}@${versionLabel(round % (versions - 2))}`];
  const rounds = bench.options.repeat;
  const cold = await bench.interleave(
    {
      [`${id}, no index`]: {
        before: () => bench.remove(`${repository}/.mlops/cache/index`),
        run: (round) => bench.mlops(repository, argsOf(round)),
      },
    },
    rounds,
  );
  await bench.settle();
  await bench.mlops(repository, ['list', MODEL]);
  const warm = await bench.interleave(
    { [id]: { run: (round) => bench.mlops(repository, argsOf(rounds + round)) } },
    rounds * 3,
  );
  const startUp = await bench.startUp();
  const above = (runs) =>
    sample('s', runs.map((run) => run.seconds - (wholeTime ? 0 : startUp.median)));
  const command = `\`${(args ?? ['promote', `${MODEL}@...`]).join(' ')}\``;
  const common = {
    budget: wholeTime ? `< ${seconds} s` : `< ${seconds} s above start-up`,
    limit: { atMost: 1 },
    bound: fixed('s', seconds),
    boundIs: wholeTime ? 'the budget' : 'the budget; start-up (`mlops --version`) is taken off the measured time',
  };
  const details = (runs) => ({ 'whole time': sampleOf(runs, 'seconds'), 'start-up': startUp });
  const size = `${versions.toLocaleString('en')} versions, ${(versions * 5).toLocaleString('en')} events`;
  bench.add(
    row({ ...common, id, what: `${command}, ${size}`, measured: above(warm[id]), details: details(warm[id]) }),
  );
  const first = cold[`${id}, no index`];
  bench.add(
    row({
      ...common,
      id,
      what: `${command}, ${size}, without an index as in a new clone`,
      measured: above(first),
      details: details(first),
    }),
  );
}
