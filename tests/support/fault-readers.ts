import { mlops } from './binary.ts';
import { observed, type FaultRepository } from './fault-repository.ts';
import { violations } from './invariants.ts';

const QUESTIONS: readonly (readonly string[])[] = [
  ['list', 'demo'],
  ['show', 'demo@production'],
  ['history', 'demo'],
  ['verify'],
  ['list'],
];

/**
 * One writer moves the production stage of `demo` between v1 and v2 while readers ask in a loop; none of them waits for another.
 *
 * @returns what a reader saw that it should not have, and what the writer left amiss
 */
export async function readersAgainstWriter(
  repository: FaultRepository,
  { moves, readers }: { moves: number; readers: number },
): Promise<string[]> {
  const { root, env } = repository;
  const problems: string[] = [];
  const before = observed(repository);
  const writer = { busy: true };
  const write = async (): Promise<void> => {
    for (let move = 1; move <= moves; move += 1) {
      const { code, stderr } = await mlops(['promote', `demo@v${(move % 2) + 1}`], { cwd: root, env });
      if (code !== 0) problems.push(`promote: exit ${code}: ${stderr}`);
    }
    writer.busy = false;
  };
  const read = async (first: number): Promise<void> => {
    for (let turn = first; writer.busy; turn += 1) {
      const argv = QUESTIONS[turn % QUESTIONS.length] ?? [];
      const { code, stdout, stderr } = await mlops(['--json', ...argv], { cwd: root, env });
      if (code !== 0) problems.push(`${argv.join(' ')}: exit ${code}: ${stderr}${stdout}`);
      else problems.push(...strangeAnswer(argv, JSON.parse(stdout) as Answer));
    }
  };
  await Promise.all([write(), ...Array.from({ length: readers }, (_, index) => read(index * 2))]);
  return [...problems, ...violations(observed(repository), { before })];
}

interface Answer {
  data: {
    version?: string;
    damage?: unknown[];
    notices?: string[];
    models?: { stages: Record<string, string> }[];
  };
}

function strangeAnswer(argv: readonly string[], { data }: Answer): string[] {
  const label = argv.join(' ');
  if (label === 'show demo@production' && !['v1', 'v2'].includes(data.version ?? ''))
    return [`${label}: ${data.version}`];
  if (label === 'verify' && data.damage?.length !== 0) return [`${label}: ${JSON.stringify(data.damage)}`];
  const production = data.models?.[0]?.stages['production'];
  if (label === 'list' && !['v1', 'v2'].includes(production ?? ''))
    return [`${label}: production is ${production}`];
  return [];
}
