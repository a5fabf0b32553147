import { tableGroup } from './tables.mjs';

const GIB = 2 ** 30;

/** What `npm run bench -- drift` measures, in this order. */
export const groups = [
  tableGroup({
    id: 'million',
    rows: 1_000_000,
    numeric: 20,
    categorical: 5,
    formats: { csv: { atMost: 0.4, memoryMib: 800 }, parquet: { atMost: 0.3, memoryMib: 500 } },
    peers: 'csv',
    space: 3 * GIB,
  }),
  tableGroup({
    id: 'long',
    rows: 20_000_000,
    numeric: 8,
    categorical: 2,
    formats: { parquet: {} },
    space: 4 * GIB,
  }),
  tableGroup({
    id: 'wide',
    rows: 10_000,
    numeric: 950,
    categorical: 50,
    formats: { csv: {} },
    space: GIB,
  }),
];
