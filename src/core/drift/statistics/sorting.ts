export { isSorted, sortedCopy } from '../../../lib/sorting.ts';
