// Run as a process of its own by atomic-write.test.ts: PATH SIZE MODE
import { writeDurably } from '../../src/storage/atomic-write.ts';
import { MlopsError } from '../../src/errors.ts';

const [path = '', size = '0', mode = ''] = process.argv.slice(2);
try {
  await writeDurably(path, new Uint8Array(Number(size)).fill(0x6e), { exclusive: mode === 'exclusive' });
  process.stdout.write('written');
} catch (error) {
  if (!(error instanceof MlopsError)) throw error;
  process.stdout.write(
    JSON.stringify({ code: error.code, exitCode: error.exitCode, message: error.message, hint: error.hint }),
  );
}
