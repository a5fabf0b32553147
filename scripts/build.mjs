// Bundles src/cli/entry.ts into dist/main.cjs, in which every module waits to be asked for, so that a command pays for its own
// imports only. CommonJS, because V8 can then take its compiled code from a file: Node 20 spends more time on loading and
// compiling modules than most commands on their work. Heavy packages are files of their own; licences go beside them.
import { rmSync } from 'node:fs';
import { readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, transform } from 'esbuild';
import { makeCodeCache } from './code-cache.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const outdir = join(root, 'dist');

/** `node_modules/a/node_modules/@b/c/lib/x.js` -> `node_modules/a/node_modules/@b/c` */
function packageDirectory(input) {
  return /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1];
}

/** A few packages of the AWS SDK name their licence and leave its text to the repository they share with this one. */
const LICENCE_BESIDE = { '@aws-sdk/': 'node_modules/@aws-sdk/client-s3' };

async function manifestOf(directory) {
  return JSON.parse(await readFile(join(root, directory, 'package.json'), 'utf8'));
}

async function licenceFiles(directory) {
  const names = await readdir(join(root, directory));
  const files = names.filter((file) => /^(licen[cs]e|copying|notice)/i.test(file)).toSorted();
  return Promise.all(files.map((file) => readFile(join(root, directory, file), 'utf8')));
}

async function licenceOf(directory) {
  const { name, version, license, repository } = await manifestOf(directory);
  let texts = await licenceFiles(directory);
  const beside = Object.entries(LICENCE_BESIDE).find(([scope]) => name.startsWith(scope))?.[1];
  if (texts.length === 0 && beside !== undefined) {
    const other = await manifestOf(beside);
    const shared = other.license === license && other.repository?.url === repository?.url;
    if (shared) texts = await licenceFiles(beside);
  }
  if (texts.length === 0) throw new Error(`${directory}: no licence file to ship`);
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

/** Packages that few commands need: files of their own, read when they are first asked for. */
const HEAVY = ['simple-git', 'tar'];

/** Optional, with a binary of its own: it is found in node_modules, or it is not there. */
const DATABASE = ['@duckdb/node-api', '@duckdb/node-bindings'];

/** What `src/storage/s3/sdk.ts` uses of the S3 client; the other two hundred operations are left out. */
const S3 = `export {
  CopyObjectCommand, DeleteObjectCommand, GetObjectCommand, HeadObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client,
} from '@aws-sdk/client-s3';`;

const heavyBeside = {
  name: 'heavy-beside',
  setup({ onResolve }) {
    onResolve({ filter: /^(simple-git|tar)$/ }, ({ path, kind }) =>
      kind === 'entry-point' ? undefined : { path: `./vendor/${path}.cjs`, external: true },
    );
    onResolve({ filter: /^@aws-sdk\/client-s3$/ }, () => ({
      path: './vendor/client-s3.cjs',
      external: true,
    }));
  },
};

/**
 * esbuild escapes other letters in strings, but not in tagged templates and patterns, where an escape may mean something else. Read as
 * Latin-1 they would arrive as rubbish.
 */
async function assertAscii(path) {
  const { code } = await transform(await readFile(path, 'utf8'), {
    charset: 'ascii',
    minifyWhitespace: true,
  });
  const found = /.{0,80}[^\x00-\x7f]/.exec(code)?.[0];
  if (found !== undefined) throw new Error(`${path}: a letter beyond ASCII that was not escaped: ${found}`);
}

const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
// Built aside and moved at the end: the program may be in use.
const staging = `${outdir}.${process.pid}`;
await rm(staging, { recursive: true, force: true });
process.once('exit', () => rmSync(staging, { recursive: true, force: true }));
const common = {
  absWorkingDir: root,
  bundle: true,
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  platform: 'node',
  target: 'node20',
  // The script is read as Latin-1, which V8 keeps as one byte a character.
  charset: 'ascii',
  // Names and line breaks stay as they are: a stack trace in a bug report must be readable without source maps.
  minifySyntax: true,
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
};
const results = [
  await build({
    ...common,
    entryPoints: { main: 'src/cli/entry.ts' },
    outdir: staging,
    plugins: [leaveOutUnusedModules, heavyBeside],
    external: DATABASE,
    supported: { 'dynamic-import': false },
    define: { MLOPS_VERSION: JSON.stringify(version), 'import.meta.url': 'importMetaUrl' },
    banner: { js: "const importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
  }),
  await build({
    ...common,
    entryPoints: { 'table-thread': 'src/storage/tables/engine/thread.ts' },
    outdir: staging,
    external: DATABASE,
  }),
  await build({
    ...common,
    entryPoints: Object.fromEntries(HEAVY.map((name) => [name, name])),
    outdir: join(staging, 'vendor'),
  }),
  await build({
    ...common,
    stdin: { contents: S3, resolveDir: root },
    outfile: join(staging, 'vendor', 'client-s3.cjs'),
    // The ES modules are one file an operation, so that what is not used can be left out.
    mainFields: ['module', 'main'],
    conditions: ['module'],
    // It would warn, on standard error, that a later version will not run on this Node; the version is pinned.
    define: { 'process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED': '"true"' },
  }),
];
if (results.some(({ warnings }) => warnings.length > 0)) throw new Error('esbuild has warnings; see above');
const inputs = Object.assign({}, ...results.map(({ metafile }) => metafile.inputs));
await writeFile(join(staging, 'THIRD-PARTY-LICENSES.txt'), await thirdPartyLicences({ inputs }));
await assertAscii(join(staging, 'main.cjs'));
await makeCodeCache(join(staging, 'main.cjs'));
await rm(outdir, { recursive: true, force: true });
await rename(staging, outdir);
