import { MalformedError, newDraft, settle, type Draft, type TensorSpec } from './inspection.ts';
import { countJson, Histogram, listed, printable } from './printable.ts';
import { ProtobufReader, signed, spanOf, type Field, type Span } from './protobuf.ts';
import { buffered, type RandomAccess } from './random-access.ts';

/** `TensorProto.DataType` of onnx.proto. */
const DTYPES: readonly string[] =
  `undefined float32 uint8 int8 uint16 int16 int32 int64 string bool float16 float64 uint32 uint64 complex64 complex128
  bfloat16 float8e4m3fn float8e4m3fnuz float8e5m2 float8e5m2fnuz uint4 int4 float4e2m1`.split(/\s+/);
const STANDARD_DOMAINS = new Set([
  '',
  'ai.onnx',
  'ai.onnx.ml',
  'ai.onnx.training',
  'ai.onnx.preview.training',
]);
const MAX_SPECS = 1_000;
const MAX_DIMENSIONS = 32;
const EXTERNAL = 1n;

/** Reads an ONNX model: header, opsets, graph signature, initializers. Weights are never read. */
export async function inspectOnnx(source: RandomAccess): Promise<Draft> {
  return settle(newDraft('onnx', 'onnx'), async (draft) => new OnnxReader(draft, source).read(source.size));
}

class OnnxReader {
  readonly #draft: Draft;
  readonly #reader: ProtobufReader;
  readonly #inputs: TensorSpec[] = [];
  readonly #outputs: TensorSpec[] = [];
  readonly #initializers = new Set<string>();
  readonly #domains = new Set<string>();
  readonly #externalFiles = new Set<string>();
  readonly #dtypes = new Histogram();
  #nodes = 0;
  #parameters = 0n;

  constructor(draft: Draft, source: RandomAccess) {
    this.#draft = draft;
    this.#reader = new ProtobufReader(buffered(source));
  }

  async read(size: number): Promise<void> {
    const { details, warnings } = this.#draft;
    const opsets: Record<string, number | string> = {};
    let functions = 0;
    let graphs = 0;
    try {
      for await (const field of this.#reader.fields({ offset: 0, length: size })) {
        if (field.number === 1) details['irVersion'] = countJson(signed(field.value));
        else if (field.number === 2) details['producer'] = printable(await this.#reader.text(field));
        else if (field.number === 3) details['producerVersion'] = printable(await this.#reader.text(field));
        else if (field.number === 4) details['domain'] = printable(await this.#reader.text(field));
        else if (field.number === 8) Object.assign(opsets, await this.#opset(spanOf(field)));
        else if (field.number === 25) functions += 1;
        else if (field.number === 7) {
          graphs += 1;
          await this.#graph(spanOf(field));
        }
      }
    } finally {
      this.#conclude(opsets);
    }
    if (functions > 0) details['functions'] = functions;
    if (graphs !== 1) warnings.push(`malformed onnx content: ${graphs} graphs instead of one`);
  }

  #conclude(opsets: Record<string, number | string>): void {
    const { details, warnings } = this.#draft;
    details['opsets'] = opsets;
    details['nodes'] = this.#nodes;
    details['initializers'] = this.#initializers.size;
    details['parameters'] = countJson(this.#parameters);
    details['dtypes'] = this.#dtypes.toJson();
    const custom = [...new Set([...this.#domains, ...Object.keys(opsets)])].filter(
      (name) => !STANDARD_DOMAINS.has(name),
    );
    if (custom.length > 0) {
      details['customDomains'] = listed(custom);
      warnings.push(
        `operators outside the ONNX standard (${listed(custom).slice(0, 5).join(', ')}): running it needs extra libraries`,
      );
    }
    this.#concludeExternal();
    const inputs = this.#inputs.filter((input) => !this.#initializers.has(input.name));
    if (inputs.length + this.#outputs.length > 0) {
      this.#draft.signature = {
        inputs: inputs.map((input) => ({ ...input, name: printable(input.name) })),
        outputs: this.#outputs.map((output) => ({ ...output, name: printable(output.name) })),
      };
    }
  }

  #concludeExternal(): void {
    if (this.#externalFiles.size === 0) return;
    this.#draft.details['externalData'] = listed(this.#externalFiles);
    for (const location of [...this.#externalFiles].toSorted()) {
      if (isUnsafeLocation(location)) {
        this.#draft.warnings.push(
          `external data at ${printable(location)} leaves the directory of the model`,
        );
      }
    }
  }

  async #opset(span: Span): Promise<Record<string, number | string>> {
    let domain = '';
    let version: number | string = 0;
    for await (const field of this.#reader.fields(span)) {
      if (field.number === 1) domain = await this.#reader.text(field);
      else if (field.number === 2) version = countJson(signed(field.value)) as number | string;
    }
    const name = printable(domain === '' ? 'ai.onnx' : domain);
    return name === '__proto__' ? {} : { [name]: version };
  }

  async #graph(span: Span): Promise<void> {
    for await (const field of this.#reader.fields(span)) {
      if (field.number === 1) await this.#node(spanOf(field));
      else if (field.number === 2) this.#draft.details['graph'] = printable(await this.#reader.text(field));
      else if (field.number === 5) await this.#initializer(spanOf(field));
      else if (field.number === 11) await this.#spec(this.#inputs, spanOf(field));
      else if (field.number === 12) await this.#spec(this.#outputs, spanOf(field));
      else if (field.number === 15) this.#draft.details['sparseInitializers'] = true;
    }
  }

  async #node(span: Span): Promise<void> {
    this.#nodes += 1;
    for await (const field of this.#reader.fields(span)) {
      if (field.number === 7 && this.#domains.size < MAX_SPECS)
        this.#domains.add(await this.#reader.text(field, 256));
    }
  }

  async #initializer(span: Span): Promise<void> {
    let elements = 1n;
    let dtype = 'undefined';
    let external = false;
    for await (const field of this.#reader.fields(span)) {
      if (field.number === 1) {
        for (const dimension of await this.#reader.numbers(field, MAX_DIMENSIONS)) {
          if (signed(dimension) < 0n) throw new MalformedError('an initializer has a negative dimension');
          elements = BigInt.asUintN(63, elements * dimension);
        }
      } else if (field.number === 2) dtype = dtypeName(field);
      else if (field.number === 8) this.#initializers.add(await this.#reader.text(field));
      else if (field.number === 13) await this.#external(spanOf(field));
      else if (field.number === 14) external = field.value === EXTERNAL;
    }
    if (external && this.#externalFiles.size === 0)
      this.#draft.warnings.push('external data without a location');
    this.#dtypes.add(dtype);
    this.#parameters += elements;
  }

  async #external(span: Span): Promise<void> {
    let key = '';
    let value = '';
    for await (const field of this.#reader.fields(span)) {
      if (field.number === 1) key = await this.#reader.text(field);
      else if (field.number === 2) value = await this.#reader.text(field);
    }
    if (key === 'location' && this.#externalFiles.size < MAX_SPECS) this.#externalFiles.add(value);
  }

  async #spec(list: TensorSpec[], span: Span): Promise<void> {
    if (list.length >= MAX_SPECS) return;
    const spec: TensorSpec = { name: '', dtype: 'undefined', shape: [] };
    for await (const field of this.#reader.fields(span)) {
      if (field.number === 1) spec.name = await this.#reader.text(field);
      else if (field.number === 2) await this.#type(spec, spanOf(field));
    }
    list.push(spec);
  }

  /** TypeProto: tensors (1) and sparse tensors (8) with dtype and shape; sequences, maps and optionals by their kind. */
  async #type(spec: TensorSpec, span: Span): Promise<void> {
    for await (const field of this.#reader.fields(span)) {
      if (field.number === 4) spec.dtype = 'sequence';
      else if (field.number === 5) spec.dtype = 'map';
      else if (field.number === 9) spec.dtype = 'optional';
      if (field.number !== 1 && field.number !== 8) continue;
      for await (const part of this.#reader.fields(spanOf(field))) {
        if (part.number === 1) spec.dtype = dtypeName(part);
        else if (part.number === 2) await this.#shape(spec, spanOf(part));
      }
    }
  }

  async #shape(spec: TensorSpec, span: Span): Promise<void> {
    for await (const field of this.#reader.fields(span)) {
      if (field.number !== 1 || spec.shape.length >= MAX_DIMENSIONS) continue;
      let dimension: number | string | null = null;
      for await (const part of this.#reader.fields(spanOf(field))) {
        if (part.number === 1) dimension = Number(signed(part.value));
        else if (part.number === 2) dimension = printable(await this.#reader.text(part)) || null;
      }
      spec.shape.push(dimension);
    }
  }
}

function dtypeName(field: Field): string {
  return DTYPES[Number(field.value)] ?? `type ${field.value}`;
}

/** A location that is absolute, names a drive, or climbs out of the directory. */
function isUnsafeLocation(location: string): boolean {
  return /^[/\\]|^[A-Za-z]:|\0/.test(location) || location.split(/[/\\]/).includes('..');
}
