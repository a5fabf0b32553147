import type { Operation } from './request.ts';

/** How a listing lies: `half` is a page without its second half that claims to be all, though `KeyCount` counts the rest. */
export type ListFault = 'half' | 'empty' | 'no-token' | 'token-loop' | 'cut-xml';

/** One way for a request to go wrong. Byte counts are bytes of a body. */
export type Fault =
  /** An error instead of the answer; `performed`: although the request was carried out. */
  | {
      readonly type: 'status';
      readonly status: number;
      /** S3's error code; each status has a usual one. */
      readonly code?: string;
      readonly retryAfterSeconds?: number;
      readonly performed?: boolean;
    }
  /** The connection is reset when that much of the request's body has come, before anything is done. */
  | { readonly type: 'reset-request'; readonly afterBytes: number }
  /** The connection is reset when that much of the answer's body has been sent; the request was carried out. */
  | { readonly type: 'reset-response'; readonly afterBytes: number }
  /** The right Content-Length, but the connection is closed in good order after so many bytes. */
  | { readonly type: 'truncate'; readonly bytes: number }
  /** A body cut to so many bytes with a Content-Length that says the same. */
  | { readonly type: 'short'; readonly bytes: number }
  /** One bit of the byte at that offset is wrong (in the middle by default, counted from the end when negative). */
  | { readonly type: 'flip'; readonly at?: number }
  /** 200 with something else: the page of a captive portal, or S3's own error document. Nothing is carried out. */
  | { readonly type: 'html-200'; readonly body: 'html' | 'error-xml' }
  /** A ranged read gets another range, the whole object, or 416. */
  | { readonly type: 'wrong-range'; readonly how: 'shifted' | 'ignored' | 'unsatisfiable' }
  /** A write is answered as if it had worked, but nothing, half of it or other bytes are kept. */
  | { readonly type: 'lost-write'; readonly how: 'absent' | 'short' | 'altered' }
  /** The answer's body comes in pieces with pauses between them. */
  | { readonly type: 'drip'; readonly bytes: number; readonly intervalMs: number }
  /** No answer, or none after so many bytes of its body. The connection stays open. */
  | { readonly type: 'hang'; readonly afterBytes?: number }
  | { readonly type: 'list'; readonly how: ListFault }
  /** Another ETag than the object has. */
  | { readonly type: 'etag'; readonly etag: string }
  /** A Date header that is wrong by so much. */
  | { readonly type: 'date'; readonly skewMs: number };

export interface FaultRule {
  readonly method?: string;
  readonly operation?: Operation;
  /** The key itself, or a pattern that it matches. */
  readonly key?: string | RegExp;
  readonly bucket?: string;
  /** How many matching requests go through unharmed first (default 0). */
  readonly skip?: number;
  /** How many go wrong (default: all). */
  readonly times?: number;
  readonly fault: Fault;
}

/** A rule at work. */
export interface ActiveFault {
  /** How often it has struck. */
  readonly hits: number;
  remove(): void;
}

interface FaultTarget {
  readonly method: string;
  readonly operation: Operation;
  readonly bucket: string;
  readonly key: string;
}

/** The rules in force, in the order they were added; of those that match a request the first that is not used up strikes. */
export class FaultList {
  #active: { readonly rule: FaultRule; seen: number; hits: number }[] = [];

  add(rule: FaultRule): ActiveFault {
    const active = { rule, seen: 0, hits: 0 };
    this.#active.push(active);
    return {
      get hits() {
        return active.hits;
      },
      remove: () => {
        this.#active = this.#active.filter((other) => other !== active);
      },
    };
  }

  clear(): void {
    this.#active = [];
  }

  /** The fault for this request, which counts as one of its times. */
  take(target: FaultTarget): Fault | undefined {
    for (const active of this.#active) {
      const { rule } = active;
      if (!fits(rule, target)) continue;
      active.seen++;
      if (active.seen <= (rule.skip ?? 0) || active.hits >= (rule.times ?? Infinity)) continue;
      active.hits++;
      return rule.fault;
    }
    return undefined;
  }
}

function fits(rule: FaultRule, target: FaultTarget): boolean {
  if (rule.method !== undefined && rule.method !== target.method) return false;
  if (rule.operation !== undefined && rule.operation !== target.operation) return false;
  if (rule.bucket !== undefined && rule.bucket !== target.bucket) return false;
  if (rule.key === undefined) return true;
  return typeof rule.key === 'string' ? rule.key === target.key : target.key.search(rule.key) !== -1;
}
