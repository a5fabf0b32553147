const UNIT_FORMATS = {
  s: (value) => (value < 1 ? `${(value * 1000).toFixed(0)} ms` : `${value.toFixed(2)} s`),
  bytes: (value) =>
    value < 2 ** 20 ? `${(value / 2 ** 10).toFixed(1)} KiB` : `${(value / 2 ** 20).toFixed(1)} MiB`,
  'bytes/s': (value) => `${(value / 2 ** 20).toFixed(0)} MiB/s`,
  calls: (value) => `${value}`,
};

/** The result of a run as a page of Markdown. */
export function markdown(result) {
  const { suite, rows, peers, warnings, failures } = result;
  const parts = [
    `# Benchmark: ${suite}`,
    facts(result),
    ...(warnings.length === 0 ? [] : [warnings.map((text) => `**Warning:** ${text}.`).join('\n\n')]),
    'Medians, with the lowest run in brackets. A ratio is measured / bound. What each row means: docs/benchmarks.md.',
    table(
      ['row', 'what', 'budget', 'measured', 'bound', 'ratio', 'verdict'],
      rows.map((row) => [
        row.id,
        row.what,
        row.budget ?? '-',
        figure(row.measured),
        `${figure(row.bound)}: ${row.bound.what}`,
        ratioText(row.ratio),
        row.verdict === 'missed' ? '**missed**' : row.verdict,
      ]),
    ),
    ...failures.map(
      ({ rows: ids, message }) => `**Failed:** ${ids.join(', ')}\n\n\`\`\`\n${message}\n\`\`\``,
    ),
    ...(peers.length === 0 ? [] : ['## Other tools', peerTable(peers)]),
    '## Details',
    details(rows),
  ];
  return `${parts.join('\n\n')}\n`;
}

function facts(result) {
  const { date, commit, uncommittedChanges, scale, machine, tools, method } = result;
  const { loadBefore, loadAfter, elapsedSeconds } = result;
  const { cpu, cores, memoryBytes, node, kernel, fileSystem } = machine;
  const lines = [
    `${date}, commit ${commit}${uncommittedChanges ? ' with uncommitted changes' : ''}, scale ${scale}; took ${elapsedSeconds} s`,
    `${cpu}, ${cores} cores, ${(memoryBytes / 2 ** 30).toFixed(1)} GiB, Node ${node}, ${kernel}, ${fileSystem}; load ${loadBefore[0]} before, ${loadAfter[0]} after`,
    Object.values(tools).join('; '),
    `${method.repeat} repetitions of long runs; ${method.sync}; memory by ${method.memory}`,
  ];
  return lines.map((line) => `- ${line}`).join('\n');
}

function peerTable(peers) {
  return table(
    ['input', 'tool', 'time', 'peak memory', 'time / mlops', 'what was run', 'traffic'],
    peers.map((peer) =>
      peer.skipped === undefined
        ? [
            peer.input,
            `${peer.tool} ${peer.version}`,
            figure(peer.time),
            peer.memory === null ? '-' : figure(peer.memory),
            ratioText(peer.ratio),
            peer.what,
            trafficText(peer.traffic),
          ]
        : [peer.input, peer.tool, peer.skipped, '-', '-', peer.what, '-'],
    ),
  );
}

/** What the server counted, where there is one. */
function trafficText(traffic) {
  if (traffic === undefined) return '-';
  const { requests, received, sent } = traffic;
  const bytes = UNIT_FORMATS.bytes;
  return `${requests} requests, ${bytes(received)} to the server, ${bytes(sent)} from it`;
}

function details(rows) {
  const lines = rows.flatMap((row) => [
    ...row.details.map((detail) => `- ${row.id}: ${detail.what}: ${figure(detail)}`),
    ...(row.note === undefined ? [] : [`- ${row.id}: ${row.note}`]),
  ]);
  return lines.length === 0 ? 'None.' : lines.join('\n');
}

function table(headers, rows) {
  const line = (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(headers), line(headers.map(() => '---')), ...rows.map(line)].join('\n');
}

function figure({ unit, min, median, runs }) {
  const format = UNIT_FORMATS[unit];
  return runs.length === 1 || min === median ? format(median) : `${format(median)} (${format(min)})`;
}

function ratioText(ratio) {
  return ratio < 0.1 ? ratio.toFixed(4) : ratio.toFixed(2);
}
