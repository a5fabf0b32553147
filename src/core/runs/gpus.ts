import { execFile } from 'node:child_process';

/** What nvidia-smi says of one graphics card; undefined for what it does not know. */
export interface GpuUsage {
  index: number;
  name: string;
  /** Percent. */
  utilization: number | undefined;
  /** MiB. */
  memory: number | undefined;
  totalMemory: number | undefined;
  /** Watt. */
  power: number | undefined;
}

const QUERY = 'index,name,utilization.gpu,memory.used,memory.total,power.draw';
const PATIENCE_MS = 5000;
const MOST_OUTPUT = 64 * 1024;

/** Empty where there is no nvidia-smi, or no card, or no answer in time. */
export function readGpus(env: Readonly<Record<string, string | undefined>>): Promise<GpuUsage[]> {
  return new Promise((resolve) => {
    const options = { env: { ...env }, timeout: PATIENCE_MS, maxBuffer: MOST_OUTPUT, windowsHide: true };
    const args = [`--query-gpu=${QUERY}`, '--format=csv,noheader,nounits'];
    try {
      execFile('nvidia-smi', args, options, (error, stdout) =>
        resolve(error === null ? parseGpus(stdout) : []),
      );
    } catch {
      resolve([]);
    }
  });
}

export function parseGpus(text: string): GpuUsage[] {
  const found: GpuUsage[] = [];
  for (const line of text.split('\n')) {
    const [index = '', name = '', ...numbers] = line.split(',').map((field) => field.trim());
    if (!/^\d{1,3}$/.test(index)) continue;
    const [utilization, memory, totalMemory, power] = numbers.map(numberOf);
    found.push({ index: Number(index), name: name.slice(0, 200), utilization, memory, totalMemory, power });
  }
  return found;
}

/** `[N/A]` and `[Not Supported]` are none. */
function numberOf(text: string): number | undefined {
  return /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : undefined;
}
