import { errnoOf } from '../errors.ts';

/** True when no process of this machine has the id. One that may not be asked about is there; what is no id is not gone. */
export function isProcessGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return errnoOf(error) === 'ESRCH';
  }
}
