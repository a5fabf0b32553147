// Writes docs/cli.md and docs/json-output.md from the command definitions, and the JSON Schema of drift reports; with --check only says whether they are fresh.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const check = process.argv.includes('--check');

async function generate() {
  const directory = await mkdtemp(join(tmpdir(), 'mlops-docs-'));
  try {
    await build({
      absWorkingDir: root,
      entryPoints: ['scripts/generate-docs.ts'],
      outfile: join(directory, 'generate-docs.mjs'),
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      define: { MLOPS_VERSION: '""' },
      banner: {
        js: "import { createRequire as __createRequire } from 'node:module';\nconst require = __createRequire(import.meta.url);",
      },
      logLevel: 'warning',
    });
    const { generateDocs } = await import(pathToFileURL(join(directory, 'generate-docs.mjs')).href);
    return await generateDocs();
  } finally {
    await rm(directory, { recursive: true });
  }
}

let stale = 0;
for (const [path, text] of Object.entries(await generate())) {
  const current = await readFile(join(root, path), 'utf8').catch(() => '');
  if (current === text) continue;
  stale += 1;
  if (!check) await writeFile(join(root, path), text);
  console.log(`${path}: ${check ? 'stale; run `npm run docs`' : 'written'}`);
}
if (stale === 0) console.log('the generated files in docs/ are up to date');
if (check && stale > 0) process.exitCode = 1;
