import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { errnoOf } from '../../errors.ts';

/** `gone` is proof; `unknown` means that nothing here can tell. */
export type ProcessState = 'alive' | 'gone' | 'unknown';

/**
 * Identifies this start of the operating system, so that a process id from before a reboot is not taken for a live one.
 * Empty where the platform has no such thing.
 */
export function currentBootId(): string {
  if (process.platform === 'linux') return readText('/proc/sys/kernel/random/boot_id') ?? '';
  if (process.platform === 'darwin') return output('/usr/sbin/sysctl', ['-n', 'kern.bootsessionuuid']) ?? '';
  return '';
}

/**
 * When a process started, in the unit of its platform; tells a process from a later one with the same id. On Linux it begins
 * with the number of the PID namespace, since another container counts its processes separately. Empty when unknown.
 */
export function processStart(pid: number): string {
  if (process.platform === 'linux') {
    const fields = procStat(pid);
    return fields === undefined ? '' : `${pidNamespace()}:${fields.start}`;
  }
  if (process.platform === 'win32') return '';
  return output('/bin/ps', ['-o', 'lstart=', '-p', String(pid)]) ?? '';
}

/** Whether the process that once had this id and start time still runs on this machine, since the same boot. */
export function processState(pid: number, start: string): ProcessState {
  if (process.platform === 'linux' && namespaceOf(start) !== pidNamespace()) return 'unknown';
  try {
    process.kill(pid, 0);
  } catch (error) {
    return errnoOf(error) === 'ESRCH' ? 'gone' : sameStart(pid, start);
  }
  return sameStart(pid, start);
}

function sameStart(pid: number, start: string): ProcessState {
  // A zombie has its id still, but never runs again.
  if (process.platform === 'linux' && procStat(pid)?.state === 'Z') return 'gone';
  const present = processStart(pid);
  if (start === '' || present === '') return 'alive';
  return present === start ? 'alive' : 'gone';
}

/** Fields 3 (state) and 22 (start time in clock ticks since boot) of `/proc/<pid>/stat`. */
function procStat(pid: number): { state: string; start: string } | undefined {
  const text = readText(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  // Field 2 is the program's name in parentheses and may itself hold spaces and parentheses.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, start] = [fields[0], fields[19]];
  return state === undefined || start === undefined ? undefined : { state, start };
}

function pidNamespace(): string {
  try {
    return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '';
  } catch {
    return '';
  }
}

function namespaceOf(start: string): string {
  return start.includes(':') ? start.slice(0, start.indexOf(':')) : '';
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}

function output(program: string, args: readonly string[]): string | undefined {
  try {
    // A fixed locale and time zone, so that the same instant is always the same text.
    const options = { env: { LC_ALL: 'C', TZ: 'UTC' }, encoding: 'utf8', timeout: 5000 } as const;
    return execFileSync(program, [...args], { ...options, stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return undefined;
  }
}
