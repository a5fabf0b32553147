/** Who holds the lock; every field but `nonce` is shown to people. */
export interface LockOwner {
  pid: number;
  host: string;
  bootId: string;
  /** Start time of the process in the unit of its platform; tells a reused pid from the owner. */
  processStart: string;
  startedAt: string;
  command: string;
  nonce: string;
}

/** The right to write metadata, held for the commit section only. */
export interface HeldLock {
  /**
   * MUST be called before each write of the commit section.
   * @throws ConflictError `LOCK_LOST` when the lock file is gone or names another owner
   */
  assertHeld(): Promise<void>;
  /** Idempotent; never throws, and never removes a lock that is not ours. */
  release(): Promise<void>;
}

export interface LockState {
  /** `undefined` when the lock file can't be parsed. */
  owner: LockOwner | undefined;
  /** True when the owner is provably gone: same host, and no such process. */
  stale: boolean;
  /** Why it is, or is not, considered stale; one line for people. */
  reason: string;
}

export interface CommitLock {
  /**
   * Waits up to the configured time. A lock whose owner died on this host is taken over; one of another host never is.
   * @throws ConflictError `LOCKED` naming pid, host, start time and command of the owner
   */
  acquire(command: string): Promise<HeldLock>;
  /** The lock as it stands, or undefined when it is free. */
  inspect(): Promise<LockState | undefined>;
  /** Removes the lock whoever holds it; false when it was free. For `mlops unlock` only. */
  breakLock(): Promise<boolean>;
}
