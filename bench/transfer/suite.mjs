import { dataGroup } from './data.mjs';
import { fileGroup } from './file.mjs';
import { treeGroup } from './tree.mjs';

/** What `npm run bench -- transfer` measures, in this order. */
export const groups = [fileGroup, treeGroup, dataGroup];
