import type { Example } from './command.ts';

export const rootFooter = `
Run \`mlops <command> --help\` for one command. Topics: \`mlops help exit-codes\`,
\`mlops help environment\`, \`mlops help references\`.`;

export const exitCodePointer = '\nExit codes: see `mlops help exit-codes`.';

export function examplesText(examples: readonly Example[]): string {
  if (examples.length === 0) return '';
  const blocks = examples.map(({ command, explains }) => `  # ${explains}\n  $ ${command}\n`);
  return `\nExamples:\n${blocks.join('\n')}`;
}
