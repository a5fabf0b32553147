import { LimitError, MalformedError, type Draft } from '../inspection.ts';
import type { ByteStream } from '../byte-stream.ts';
import { arrayExtent } from './array-extent.ts';
import { isArrayWrapper } from './class-of.ts';
import { nextInstruction } from './disassembler.ts';
import { PickleMachine } from './machine.ts';
import { newFindings, type Findings, type Value } from './values.ts';

export interface PickleReport {
  findings: Findings;
  /** The highest protocol named by a PROTO opcode, else the highest that an opcode belongs to. */
  protocol: number;
  /** The result of each complete pickle in the stream, in order. */
  results: Value[];
  instructions: number;
  /** Raw arrays of joblib that were skipped. */
  arrays: number;
  /** Why reading ended before the end of the content. */
  problem?: MalformedError;
  /** Offset after the last complete pickle. */
  end: number;
}

export interface PickleLimits {
  maxInstructions?: number;
  /** How many pickles in a row are read; default 1,000. */
  maxPickles?: number;
}

const MAX_INSTRUCTIONS = 1_000_000;
const MAX_PICKLES = 1_000;
const MAX_NESTING = 8;

/**
 * Reads all pickles of a stream, following the raw arrays that joblib puts between instructions. Never throws for what the
 * stream holds: an error ends the reading and is in the report, together with everything seen before it.
 */
export async function readPickles(stream: ByteStream, limits: PickleLimits = {}): Promise<PickleReport> {
  const report: PickleReport = {
    findings: newFindings(),
    protocol: -1,
    results: [],
    instructions: 0,
    arrays: 0,
    end: stream.position,
  };
  const { maxInstructions = MAX_INSTRUCTIONS, maxPickles = MAX_PICKLES } = limits;
  try {
    do {
      report.results.push(await readOne({ stream, report, maxInstructions, depth: 0 }));
      report.end = stream.position;
    } while (report.results.length < maxPickles && (await stream.fill(1)));
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    report.problem = error;
  }
  report.protocol = Math.max(report.protocol, 0);
  return report;
}

interface Reading {
  stream: ByteStream;
  report: PickleReport;
  maxInstructions: number;
  depth: number;
}

async function readOne(reading: Reading): Promise<Value> {
  const { stream, report, maxInstructions } = reading;
  const machine = new PickleMachine(report.findings);
  for (;;) {
    if (report.instructions >= maxInstructions) {
      throw new LimitError(`more than ${maxInstructions} pickle instructions`);
    }
    report.instructions += 1;
    const instruction = await nextInstruction(stream);
    const { name, protocol } = instruction.opcode;
    report.protocol = Math.max(report.protocol, name === 'PROTO' ? (instruction.number ?? 0) : protocol);
    machine.step(instruction);
    if (name === 'STOP') return machine.top;
    if (name === 'BUILD' && isArrayWrapper(machine.top)) await passArray(reading, machine.top);
  }
}

/** Steps over the elements of an array that joblib wrote behind its wrapper (`joblib.numpy_pickle`, write_array). */
async function passArray(reading: Reading, wrapper: Value & { kind: 'object' }): Promise<void> {
  const { stream, report, depth } = reading;
  const extent = arrayExtent(wrapper.state);
  const position = stream.position;
  if (extent === undefined)
    throw new LimitError(`the extent of the joblib array at byte ${position} is not known`);
  report.arrays += 1;
  if (extent.bytes === undefined) {
    if (depth >= MAX_NESTING) throw new LimitError(`pickles nested deeper than ${MAX_NESTING} levels`);
    await readOne({ ...reading, depth: depth + 1 });
    return;
  }
  let padding = 0;
  if (extent.padded) {
    if (!(await stream.fill(1))) throw new MalformedError(`the joblib array at byte ${position} ends early`);
    padding = 1 + stream.byte(0);
  }
  if (!(await stream.skip(padding + extent.bytes))) {
    throw new MalformedError(`the joblib array at byte ${position} ends early`);
  }
}

/** Adds the warnings that a report gives rise to, apart from those about its imports. */
export function warnOfStructure(draft: Draft, report: PickleReport): void {
  const { findings, problem, results, end } = report;
  if (report.protocol > 5) draft.warnings.push(`pickle protocol ${report.protocol} is not known`);
  if (findings.unresolvedImports > 0) {
    draft.warnings.push('an import name could not be resolved: loading this file may run code');
  }
  if (findings.extensionCodes > 0)
    draft.warnings.push('imports by extension code: what is loaded is not in the file');
  if (findings.inconsistent)
    draft.warnings.push('inconsistent pickle: it takes from an empty stack or an unset memo');
  if (problem instanceof LimitError) draft.warnings.push(`not fully read: ${problem.message}`);
  else if (problem !== undefined && results.length === 0) {
    draft.warnings.push(`malformed ${draft.name} content: ${problem.message}`);
  } else if (problem !== undefined) {
    draft.warnings.push(`bytes after the end of the pickle at ${end} are no pickle: ${problem.message}`);
  }
}
