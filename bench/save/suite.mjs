import { fileGroup } from './file.mjs';
import { registryGroup } from './registry.mjs';
import { startUpGroup } from './start-up.mjs';
import { treeGroup } from './tree.mjs';

/** What `npm run bench -- save` measures, in this order. */
export const groups = [startUpGroup, fileGroup, treeGroup('random'), treeGroup('text'), registryGroup];
