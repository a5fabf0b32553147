import { readdirSync, readFileSync } from 'node:fs';

/** What a program and everything it started use now. */
export interface TreeUsage {
  /** Bytes in memory. */
  memory: number;
  /** Seconds of processor time of the processes that run. */
  cpuSeconds: number;
}

/** Linux says 100 to every program, whatever its kernel counts in. */
const TICKS_PER_SECOND = 100;
const PAGE = 4096;

/** Undefined where there is no /proc, and when the program is gone. */
export function treeUsage(pid: number): TreeUsage | undefined {
  if (process.platform !== 'linux') return undefined;
  const processes = new Map<number, { parent: number; memory: number; ticks: number }>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const fields = statFields(`/proc/${name}/stat`);
    if (fields === undefined) continue;
    const [, parent, ...rest] = fields;
    // Fields 14, 15 (user and system time) and 24 (resident pages) of proc(5); the first one here is field 3.
    const ticks = Number(rest[9]) + Number(rest[10]);
    processes.set(Number(name), { parent: Number(parent), memory: Number(rest[19]) * PAGE, ticks });
  }
  if (!processes.has(pid)) return undefined;
  const usage: TreeUsage = { memory: 0, cpuSeconds: 0 };
  for (const [each, { memory, ticks }] of processes) {
    if (!descendsFrom(each, pid, processes)) continue;
    usage.memory += memory;
    usage.cpuSeconds += ticks / TICKS_PER_SECOND;
  }
  return usage;
}

/** Processor time of all programs that this process started and waited for, in seconds; undefined where nobody says. */
export function childrenCpuSeconds(): number | undefined {
  if (process.platform !== 'linux') return undefined;
  const fields = statFields('/proc/self/stat');
  // Fields 16 and 17: user and system time of children that were waited for.
  return fields === undefined ? undefined : (Number(fields[13]) + Number(fields[14])) / TICKS_PER_SECOND;
}

function descendsFrom(
  pid: number,
  ancestor: number,
  processes: ReadonlyMap<number, { parent: number }>,
): boolean {
  for (let at: number | undefined = pid, steps = 0; at !== undefined && steps < 1000; steps += 1) {
    if (at === ancestor) return true;
    at = processes.get(at)?.parent;
  }
  return false;
}

/** Fields from the third on: the second is the program's name, which may hold anything. */
function statFields(path: string): string[] | undefined {
  try {
    const text = readFileSync(path, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
