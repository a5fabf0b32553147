// Bundles src/cli/entry.ts into dist/: one small file that starts and one chunk a command, so that a command pays for its own
// imports only. Dependencies are inside; their licences go beside them.
import { readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const outdir = join(root, 'dist');

/** `node_modules/a/node_modules/@b/c/lib/x.js` -> `node_modules/a/node_modules/@b/c` */
function packageDirectory(input) {
  return /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1];
}

async function licenceOf(directory) {
  const { name, version, license } = JSON.parse(
    await readFile(join(root, directory, 'package.json'), 'utf8'),
  );
  const files = (await readdir(join(root, directory))).filter((file) =>
    /^(licen[cs]e|copying|notice)/i.test(file),
  );
  if (files.length === 0) throw new Error(`${directory}: no licence file to ship`);
  const texts = await Promise.all(
    files.toSorted().map((file) => readFile(join(root, directory, file), 'utf8')),
  );
  return `${name} ${version} (${license})\n\n${texts.map((text) => text.trim()).join('\n\n')}\n`;
}

async function thirdPartyLicences(metafile) {
  const directories = new Set(Object.keys(metafile.inputs).map(packageDirectory));
  directories.delete(undefined);
  const texts = await Promise.all(Array.from(directories, String).toSorted().map(licenceOf));
  return `dist/ contains code of the packages below.\n\n${texts.join(`\n${'-'.repeat(80)}\n\n`)}`;
}

/**
 * Two of Node's modules cost 4 ms each to load and are never used here: commander wants child processes for commands that are
 * separate programs, chalk asks the operating system about colours before it is told which to use.
 */
const leaveOutUnusedModules = {
  name: 'leave-out-unused-modules',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      importer.includes('/commander/') ? { path: 'no-child-process', namespace: 'unused' } : undefined,
    );
    onResolve({ filter: /^#supports-color$/ }, () => ({ path: 'no-supports-color', namespace: 'unused' }));
    onLoad({ filter: /no-child-process/, namespace: 'unused' }, () => ({ contents: 'module.exports = {};' }));
    onLoad({ filter: /no-supports-color/, namespace: 'unused' }, () => ({
      contents: 'export default { stdout: false, stderr: false };',
    }));
  },
};

const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
await rm(outdir, { recursive: true, force: true });
const result = await build({
  absWorkingDir: root,
  entryPoints: { main: 'src/cli/entry.ts' },
  outdir,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  chunkNames: 'chunks/[name]-[hash]',
  // Names and line breaks stay as they are: a stack trace in a bug report must be readable without source maps.
  minifySyntax: true,
  plugins: [leaveOutUnusedModules],
  legalComments: 'none',
  define: { MLOPS_VERSION: JSON.stringify(version) },
  banner: {
    // CommonJS dependencies call `require` for Node's own modules.
    js: "import { createRequire as __createRequire } from 'node:module';\nconst require = __createRequire(import.meta.url);",
  },
  metafile: true,
  logLevel: 'warning',
});
if (result.warnings.length > 0) throw new Error('esbuild has warnings; see above');
await writeFile(join(outdir, 'THIRD-PARTY-LICENSES.txt'), await thirdPartyLicences(result.metafile));
await writeFile(join(outdir, 'meta.json'), JSON.stringify(result.metafile));
