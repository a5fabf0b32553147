import { printable } from '../lib/terminal-text.ts';
import type { Terminal } from './terminal.ts';
import { formatTime } from './time.ts';

/** What a line about an event needs to know; times are RFC 3339. */
export interface EventLine {
  type: string;
  model: string;
  version: string | null;
  stage: string | null;
  from: string | null;
  to: string | null;
  actor: string;
  time: string;
  reason: string | null;
}

/** `2 hours ago  promoted fraud@v2 to production (was v1) by Ada: better recall`. */
export function describeEvent(event: EventLine, view: Pick<Terminal, 'isTTY' | 'now'>): string {
  const { type, model, version, stage, from, actor, time, reason } = event;
  const subject = version === null ? model : `${model}@${version}`;
  const where = stage === null ? '' : `${type === 'promoted' ? ' to' : ' in'} ${stage}`;
  const was = from === null ? '' : ` (was ${from})`;
  const why = reason === null ? '' : `: ${reason}`;
  const who = actor.replace(/ <.*>$/, '');
  return printable(`${formatTime(time, view)}  ${type} ${subject}${where}${was} by ${who}${why}`);
}
