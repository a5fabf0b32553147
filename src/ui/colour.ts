import { Chalk, type ChalkInstance } from 'chalk';

/** Colours for one stream: the sixteen basic ones, or none at all. */
export function painter(enabled: boolean): ChalkInstance {
  return new Chalk({ level: enabled ? 1 : 0 });
}
