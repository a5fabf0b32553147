import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inspectModel } from '../../../src/core/inspection/index.ts';
import { safetensors } from '../../support/model-bytes.ts';
import { call } from '../../support/pickle-assembler.ts';
import { inspectFiles, withDirectory } from './inspect-bytes.ts';

const shard = (name: string): Buffer =>
  safetensors({ [name]: { dtype: 'U8', shape: [2], data_offsets: [0, 2] } }, Buffer.alloc(2));

describe('a directory', () => {
  it('of MLflow has its flavours and the model inside', async () => {
    const { format, warnings } = await inspectFiles({
      MLmodel:
        'artifact_path: model\nflavors:\n  python_function:\n    env: {}\n  sklearn:\n    code: null\nmlflow_version: 2.9.2\n',
      'model.pkl': call('os', 'system', 'x'),
    });
    expect(format).toMatchObject({
      name: 'mlflow',
      framework: 'sklearn',
      details: {
        flavors: ['python_function', 'sklearn'],
        mlflowVersion: '2.9.2',
        file: 'model.pkl',
        model: { name: 'pickle' },
      },
    });
    expect(warnings).toContain('names os.system: loading this file would run code');
  });

  it('of MLflow without flavours is malformed', async () => {
    expect((await inspectFiles({ MLmodel: 'flavors: {}\n' })).warnings.join()).toMatch(/names no flavor/);
  });

  it('of Hugging Face adds up its shards and flags code of its own', async () => {
    const { format, warnings } = await inspectFiles({
      'config.json': JSON.stringify({
        architectures: ['LlamaForCausalLM'],
        model_type: 'llama',
        auto_map: { AutoModel: 'x.Y' },
      }),
      'model-00001-of-00002.safetensors': shard('a'),
      'model-00002-of-00002.safetensors': shard('b'),
    });
    expect(format).toEqual({
      name: 'huggingface',
      framework: 'transformers',
      details: {
        architectures: ['LlamaForCausalLM'],
        modelType: 'llama',
        files: 2,
        tensors: 2,
        parameters: 4,
      },
    });
    expect(warnings.join()).toMatch(/auto_map/);
  });

  it('of shards names what the index misses and what is no safetensors', async () => {
    const { format, warnings } = await inspectFiles({
      'm-1.safetensors': shard('a'),
      'm-2.safetensors': call('os', 'system', 'x'),
      'm.safetensors.index.json': JSON.stringify({
        weight_map: { a: 'm-1.safetensors', c: 'm-3.safetensors' },
      }),
    });
    expect(format.name).toBe('safetensors');
    expect(warnings).toEqual([
      'm-2.safetensors: names os.system: loading this file would run code',
      'm-2.safetensors is pickle, not safetensors',
      'shards named by the index are missing: m-3.safetensors',
    ]);
  });

  it('is else its largest recognised file, and warnings of the others are kept', async () => {
    const { format, warnings } = await inspectFiles({
      'notes.txt': 'x'.repeat(1000),
      'weights.bin': shard('a'),
      'deep/er/p.dat': call('os', 'system', 'x'),
    });
    expect(format).toMatchObject({ name: 'safetensors', details: { file: 'weights.bin' } });
    expect(warnings).toEqual(['deep/er/p.dat: names os.system: loading this file would run code']);
  });

  it('without a model is unknown', async () => {
    expect((await inspectFiles({ 'a.txt': 'a' })).format).toEqual({
      name: 'unknown',
      framework: 'unknown',
      details: {},
    });
  });

  it('has its symbolic links counted and not followed', async () => {
    await withDirectory(async (directory) => {
      await symlink('/etc', join(directory, 'link'));
      expect((await inspectModel(directory)).warnings).toEqual([
        '1 symbolic links in the directory were not followed',
      ]);
    });
  });
});

describe('a source', () => {
  it('that is missing is a usage error', async () => {
    await expect(inspectModel('/nowhere/model')).rejects.toMatchObject({ code: 'MODEL_SOURCE_MISSING' });
  });

  it('that is a symbolic link or a device is refused', async () => {
    await withDirectory(async (directory) => {
      await writeFile(join(directory, 'a'), 'a');
      await symlink('a', join(directory, 'b'));
      await expect(inspectModel(join(directory, 'b'))).rejects.toMatchObject({
        code: 'MODEL_SOURCE_REFUSED',
      });
      await expect(inspectModel('/dev/null')).rejects.toMatchObject({ code: 'MODEL_SOURCE_REFUSED' });
    });
  });
});
