import type { Side } from './side.ts';
import type { ColumnSummary, PinnedColumn } from './summary.ts';

/** A side that may be closed. */
export interface ClosableSide {
  readonly side: Side;
  close(): Promise<void>;
}

/**
 * The reference, read once and compared many times: its summaries stay in memory. A column that another comparison wants to read as another type (its
 * type comes from the current data where all of the reference is null) is read again.
 */
export async function rememberedSide(open: () => Promise<ClosableSide>): Promise<ClosableSide> {
  const known = new Map<string, ColumnSummary>();
  const first = await open();
  let facts: ReturnType<Side['facts']> | undefined;
  let unread: ClosableSide | undefined = first;
  const { name, kind, columns } = first.side;
  const side: Side = {
    name,
    kind,
    columns,
    facts: () => facts ?? first.side.facts(),
    read: async (plan) => {
      const missing = plan.filter((pinned) => !known.has(keyOf(pinned)));
      if (missing.length > 0 || unread !== undefined) {
        const opened: ClosableSide = unread ?? (await open());
        unread = undefined;
        try {
          const summaries = await opened.side.read(missing);
          facts = opened.side.facts();
          let next = 0;
          for await (const summary of summaries) {
            const pinned = missing[next];
            next += 1;
            if (pinned !== undefined) known.set(keyOf(pinned), summary);
          }
        } finally {
          await opened.close();
        }
      }
      return inOrder(plan, known);
    },
  };
  return { side, close: async () => unread?.close() };
}

function keyOf({ name, type, integers }: PinnedColumn): string {
  return `${type} ${integers === true ? 'integers' : 'values'} ${name}`;
}

async function* inOrder(
  plan: readonly PinnedColumn[],
  known: ReadonlyMap<string, ColumnSummary>,
): AsyncGenerator<ColumnSummary> {
  for (const pinned of plan) {
    const summary = known.get(keyOf(pinned));
    if (summary === undefined)
      throw new Error(`the reference ended before its column ${JSON.stringify(pinned.name)}`);
    yield summary;
  }
}
