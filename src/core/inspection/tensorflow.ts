import { newDraft, settle, type Draft, type TensorSpec } from './inspection.ts';
import { listed, printable } from './printable.ts';
import { ProtobufReader, signed, spanOf, type Field, type Span } from './protobuf.ts';
import { buffered, type RandomAccess } from './random-access.ts';

/** `DataType` of TensorFlow's types.proto. */
const DTYPES: readonly string[] =
  `invalid float32 float64 int32 uint8 int16 int8 string complex64 int64 bool qint8 quint8 qint32 bfloat16 qint16 quint16
  uint16 complex128 float16 resource variant uint32 uint64`.split(/\s+/);
/** Operations that reach files or run Python. */
const UNSAFE_OPS = new Set([
  'ReadFile',
  'WriteFile',
  'PyFunc',
  'PyFuncStateless',
  'EagerPyFunc',
  'MatchingFiles',
]);
const MAX_SIGNATURES = 50;
const MAX_SPECS = 1_000;

interface NamedSignature {
  name: string;
  method: string;
  inputs: TensorSpec[];
  outputs: TensorSpec[];
}

/** Reads `saved_model.pb`: tags, versions, signatures, operations. Variables are not read. */
export async function inspectSavedModel(source: RandomAccess): Promise<Draft> {
  return settle(newDraft('tensorflow-savedmodel', 'tensorflow'), async (draft) => {
    await new SavedModelReader(draft, source).read(source.size);
  });
}

class SavedModelReader {
  readonly #draft: Draft;
  readonly #reader: ProtobufReader;
  readonly #tags = new Set<string>();
  readonly #unsafe = new Set<string>();
  readonly #signatures: NamedSignature[] = [];
  #nodes = 0;
  #graphs = 0;

  constructor(draft: Draft, source: RandomAccess) {
    this.#draft = draft;
    this.#reader = new ProtobufReader(buffered(source));
  }

  async read(size: number): Promise<void> {
    try {
      for await (const field of this.#reader.fields({ offset: 0, length: size })) {
        if (field.number === 2) await this.#metaGraph(spanOf(field));
      }
    } finally {
      this.#conclude();
    }
  }

  #conclude(): void {
    const { details, warnings } = this.#draft;
    details['metaGraphs'] = this.#graphs;
    details['tags'] = listed(this.#tags);
    details['nodes'] = this.#nodes;
    details['signatures'] = listed(this.#signatures.map(({ name }) => name));
    for (const op of [...this.#unsafe].toSorted())
      warnings.push(`holds the operation ${op}: running this model reaches files or code`);
    const chosen =
      this.#signatures.find(({ name }) => name === 'serving_default') ??
      this.#signatures.find(({ name }) => !name.startsWith('__'));
    if (chosen === undefined) return;
    details['signature'] = printable(chosen.name);
    if (chosen.method !== '') details['method'] = printable(chosen.method);
    this.#draft.signature = { inputs: chosen.inputs, outputs: chosen.outputs };
  }

  async #metaGraph(span: Span): Promise<void> {
    this.#graphs += 1;
    for await (const field of this.#reader.fields(span)) {
      if (field.number === 1) await this.#info(spanOf(field));
      else if (field.number === 2) await this.#graph(spanOf(field));
      else if (field.number === 5 && this.#signatures.length < MAX_SIGNATURES)
        await this.#signature(spanOf(field));
    }
  }

  async #info(span: Span): Promise<void> {
    for await (const field of this.#reader.fields(span)) {
      if (field.number === 4 && this.#tags.size < MAX_SIGNATURES)
        this.#tags.add(await this.#reader.text(field, 256));
      else if (field.number === 5)
        this.#draft.details['tensorflowVersion'] = printable(await this.#reader.text(field));
    }
  }

  /** GraphDef: nodes (1) and the nodes (3) of the functions (1) of its library (2). */
  async #graph(span: Span): Promise<void> {
    for await (const field of this.#reader.fields(span)) {
      if (field.number === 1) await this.#node(spanOf(field));
      else if (field.number === 2) {
        for await (const part of this.#reader.fields(spanOf(field))) {
          if (part.number !== 1) continue;
          for await (const node of this.#reader.fields(spanOf(part))) {
            if (node.number === 3) await this.#node(spanOf(node));
          }
        }
      }
    }
  }

  async #node(span: Span): Promise<void> {
    this.#nodes += 1;
    for await (const field of this.#reader.fields(span)) {
      if (field.number !== 2) continue;
      const op = await this.#reader.text(field, 256);
      if (UNSAFE_OPS.has(op)) this.#unsafe.add(op);
      return;
    }
  }

  async #signature(span: Span): Promise<void> {
    const signature: NamedSignature = { name: '', method: '', inputs: [], outputs: [] };
    for await (const field of this.#reader.fields(span)) {
      if (field.number === 1) signature.name = await this.#reader.text(field, 256);
      if (field.number !== 2) continue;
      for await (const part of this.#reader.fields(spanOf(field))) {
        if (part.number === 1) await this.#spec(signature.inputs, spanOf(part));
        else if (part.number === 2) await this.#spec(signature.outputs, spanOf(part));
        else if (part.number === 3) signature.method = await this.#reader.text(part, 256);
      }
    }
    this.#signatures.push(signature);
  }

  /** A map entry: the argument's name and a TensorInfo. */
  async #spec(list: TensorSpec[], span: Span): Promise<void> {
    if (list.length >= MAX_SPECS) return;
    const spec: TensorSpec = { name: '', dtype: 'invalid', shape: [] };
    for await (const field of this.#reader.fields(span)) {
      if (field.number === 1) spec.name = printable(await this.#reader.text(field, 256));
      if (field.number !== 2) continue;
      for await (const part of this.#reader.fields(spanOf(field))) {
        if (part.number === 2) spec.dtype = dtypeName(part);
        else if (part.number === 3) await this.#shape(spec, spanOf(part));
      }
    }
    list.push(spec);
  }

  async #shape(spec: TensorSpec, span: Span): Promise<void> {
    for await (const field of this.#reader.fields(span)) {
      if (field.number !== 2 || spec.shape.length >= 32) continue;
      // proto3 leaves a size of zero out; -1 is a free dimension.
      let size = 0;
      for await (const part of this.#reader.fields(spanOf(field))) {
        if (part.number === 1) size = Number(signed(part.value));
      }
      spec.shape.push(size < 0 ? null : size);
    }
  }
}

function dtypeName(field: Field): string {
  return DTYPES[Number(field.value)] ?? `type ${field.value}`;
}
