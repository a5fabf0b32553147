import { printable } from '../lib/terminal-text.ts';
import { formatBytes } from './bytes.ts';
import { count } from './numbers.ts';

export interface TransferLine {
  remote: { name: string };
  dryRun: boolean;
  artifacts: { total: number; transferred: number };
  objects: { transferred: number; skipped: number };
  bytes: { transferred: number };
  /** Neither here nor there. */
  absent: readonly unknown[];
}

/** `Pushed 3 artifacts to origin: 12 objects, 180 MiB sent, 40 already there`. */
export function describePush({ remote, dryRun, artifacts, objects, bytes, absent }: TransferLine): string {
  const place = printable(remote.name);
  if (absent.length > 0 && objects.transferred === 0) {
    const lost = `${count(absent.length, 'artifact')} of ${artifacts.total + absent.length}`;
    return `${dryRun ? 'Would push' : 'Pushed'} nothing: ${lost} ${absent.length === 1 ? 'is' : 'are'} neither here nor on ${place}\n`;
  }
  if (artifacts.total === 0) return 'Nothing to push: no version and no tracked data\n';
  if (objects.transferred === 0) return `Up to date: ${place} holds ${all(artifacts.total)}\n`;
  const amount = `${count(objects.transferred, 'object')}, ${formatBytes(bytes.transferred)}`;
  const rest = `${objects.skipped.toLocaleString('en-US')} already there`;
  return dryRun
    ? `Would push ${count(artifacts.transferred, 'artifact')} to ${place}: ${amount} to send, ${rest}\n`
    : `Pushed ${count(artifacts.transferred, 'artifact')} to ${place}: ${amount} sent, ${rest}\n`;
}

export function describeFetch({ remote, dryRun, artifacts, objects, bytes }: TransferLine): string {
  const place = printable(remote.name);
  if (artifacts.total === 0) return 'Nothing to fetch: no version and no tracked data\n';
  if (objects.transferred === 0) return `Up to date: ${all(artifacts.total)} is here\n`;
  const amount = `${count(objects.transferred, 'object')}, ${formatBytes(bytes.transferred)}`;
  const rest = `${objects.skipped.toLocaleString('en-US')} already here`;
  return dryRun
    ? `Would fetch ${count(artifacts.transferred, 'artifact')} from ${place}: ${amount}, ${rest}\n`
    : `Fetched ${count(artifacts.transferred, 'artifact')} from ${place}: ${amount}, ${rest}\n`;
}

function all(looked: number): string {
  return looked === 1 ? 'the artifact' : `all of ${count(looked, 'artifact')}`;
}

/** What `mlops push --runs` did. */
export function describeRunsPush(report: {
  remote: { name: string };
  dryRun: boolean;
  pushed: readonly unknown[];
  unchanged: number;
  bytes: { transferred: number };
}): string {
  const { remote, dryRun, pushed, unchanged, bytes } = report;
  const where = printable(remote.name);
  if (pushed.length === 0)
    return unchanged === 0 ? 'No runs to push\n' : `${where} has all ${count(unchanged, 'run')} already\n`;
  const rest = unchanged === 0 ? '' : `; ${unchanged} it had already`;
  if (dryRun) return `Would push ${count(pushed.length, 'run')} to ${where}${rest}\n`;
  return `Pushed ${count(pushed.length, 'run')} to ${where} (${formatBytes(bytes.transferred)})${rest}\n`;
}

/** What `mlops pull --runs` did. */
export function describeRunsPull(report: {
  remote: { name: string };
  dryRun: boolean;
  pulled: readonly unknown[];
  unchanged: number;
}): string {
  const { remote, dryRun, pulled, unchanged } = report;
  const where = printable(remote.name);
  if (pulled.length === 0)
    return unchanged === 0
      ? `${where} has no runs for this clone\n`
      : `All ${count(unchanged, 'run')} of ${where} are here\n`;
  return `${dryRun ? 'Would pull' : 'Pulled'} ${count(pulled.length, 'run')} from ${where}\n`;
}
