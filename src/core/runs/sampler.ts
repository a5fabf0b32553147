import { readFileSync } from 'node:fs';
import { cpus, freemem, totalmem } from 'node:os';
import { readGpus, type GpuUsage } from './gpus.ts';
import { treeUsage } from './process-tree.ts';
import type { MetricPoint } from './run.ts';

export interface SamplerOptions {
  /** Of the program whose processes are measured. */
  pid: number;
  env: Readonly<Record<string, string | undefined>>;
  /** Ask nvidia-smi too. */
  gpus: boolean;
  /** Seconds between two samples. */
  interval: number;
  /** Milliseconds since 1970. */
  now(): number;
  log(points: readonly MetricPoint[]): Promise<void>;
}

const TICK_MS = 1000;
const MIB = 1024 * 1024;

/**
 * Samples what a program and its machine use, as metrics whose names start with `system/`, which are MLflow's where it has one. The most memory
 * is looked for every second, whatever the interval. A sample that fails is left out.
 */
export class Sampler {
  /** Bytes; undefined as long as nothing was measured. */
  maxMemory: number | undefined;
  readonly #options: SamplerOptions;
  readonly #timer: NodeJS.Timeout;
  #step = 0;
  #nextSample: number;
  #cpu = cpuTimes();
  #tree: { cpuSeconds: number; at: number } | undefined;
  #pending: Promise<void> = Promise.resolve();
  #isSampling = false;

  constructor(options: SamplerOptions) {
    this.#options = options;
    // The first one soon: most commands of a first try are short.
    this.#nextSample = performance.now() + TICK_MS;
    this.#timer = setInterval(() => this.#tick(), TICK_MS).unref();
  }

  /** Resolves when no sample is under way any more. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#pending;
  }

  #tick(): void {
    const usage = treeUsage(this.#options.pid);
    if (usage !== undefined) this.maxMemory = Math.max(this.maxMemory ?? 0, usage.memory);
    const now = performance.now();
    if (this.#isSampling || now < this.#nextSample) return;
    this.#nextSample = now + this.#options.interval * 1000;
    this.#isSampling = true;
    this.#pending = this.#sample(usage)
      .catch(() => undefined)
      .finally(() => {
        this.#isSampling = false;
      });
  }

  async #sample(usage: ReturnType<typeof treeUsage>): Promise<void> {
    const { gpus, env, now, log } = this.#options;
    const values = new Map<string, number>();
    this.#machine(values);
    if (usage !== undefined) this.#program(values, usage);
    if (gpus) for (const gpu of await readGpus(env)) addGpu(values, gpu);
    const time = now();
    const step = this.#step;
    this.#step += 1;
    await log([...values].map(([key, value]) => ({ key: `system/${key}`, value, step, time })));
  }

  #machine(values: Map<string, number>): void {
    const before = this.#cpu;
    this.#cpu = cpuTimes();
    const total = this.#cpu.total - before.total;
    if (total > 0) {
      const idle = this.#cpu.idle - before.idle;
      values.set('cpu_utilization_percentage', rounded(((total - idle) / total) * 100));
    }
    const used = totalmem() - availableMemory();
    values.set('system_memory_usage_megabytes', rounded(used / MIB));
    values.set('system_memory_usage_percentage', rounded((used / totalmem()) * 100));
  }

  /** 100 % is one processor. */
  #program(
    values: Map<string, number>,
    { memory, cpuSeconds }: NonNullable<ReturnType<typeof treeUsage>>,
  ): void {
    const at = performance.now();
    const before = this.#tree;
    this.#tree = { cpuSeconds, at };
    values.set('process_memory_megabytes', rounded(memory / MIB));
    if (before === undefined) return;
    const share = (cpuSeconds - before.cpuSeconds) / ((at - before.at) / 1000);
    // Processes that ended took their time with them.
    values.set('process_cpu_percentage', rounded(Math.max(0, share) * 100));
  }
}

function addGpu(
  values: Map<string, number>,
  { index, utilization, memory, totalMemory, power }: GpuUsage,
): void {
  const put = (name: string, value: number | undefined): void => {
    if (value !== undefined) values.set(`gpu_${index}_${name}`, rounded(value));
  };
  put('utilization_percentage', utilization);
  put('memory_usage_megabytes', memory);
  const share =
    memory === undefined || totalMemory === undefined || totalMemory === 0 ? undefined : memory / totalMemory;
  put('memory_usage_percentage', share === undefined ? undefined : share * 100);
  put('power_usage_watts', power);
}

function cpuTimes(): { idle: number; total: number } {
  let idle = 0;
  let total = 0;
  for (const { times } of cpus()) {
    idle += times.idle;
    total += times.user + times.nice + times.sys + times.irq + times.idle;
  }
  return { idle, total };
}

/** What programs could still have. `freemem` leaves out what the kernel only caches. */
function availableMemory(): number {
  try {
    const [, kilobytes] = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8')) ?? [];
    return kilobytes === undefined ? freemem() : Number(kilobytes) * 1024;
  } catch {
    return freemem();
  }
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
