/** `modelwarden evaluate`: recorded traffic through detection, and what it finds as alerts that can be scored. */
import type { Command } from 'commander'
import { globalOptions, type GlobalOptions } from '../options.ts'

export function addEvaluateCommand(program: Command): void {
  globalOptions(program.command('evaluate'))
    .description('run a folder of recorded traffic through detection, and write what it finds as alerts')
    .argument(
      '<dir>',
      'holds history.jsonl and other .jsonl files, compressed with gzip or not, and maybe context.json',
    )
    .argument('<out>', 'the alerts, one JSON object a line: file, id of the record, principal or principals, threat')
    .option('--leaks <file>', 'also write what each account holds at the end of each file, one JSON object a line')
    .option('--signals <file>', 'also write the signal behind each alert whole, in the order of the alerts')
    .addHelpText(
      'after',
      `
Records are of the gateway format (docs/sources.md) and go through the same code as in production. The file "history" is read
first, to learn from; every other file is then a run of its own that goes on from there. What context.json says of models,
licenses, canaries and people is registered before. Only rules that say what they are about (modelwarden.threat) make alerts;
a signal makes one alert, and one more when it names further accounts.

A line of --leaks has file, account, model, queries, distinct, coverage, and fidelity with lo90 and hi90: how faithful a copy
the account could train, with its 90 % interval (docs/detectors/leak-account.md). A line of --signals has the file and all that a signal has:
its rule, its explanation, the numbers and the line that they crossed.

Examples:
  modelwarden evaluate traffic alerts.jsonl
  modelwarden evaluate traffic alerts.jsonl --leaks leaks.jsonl
  modelwarden evaluate traffic alerts.jsonl --signals why.jsonl`,
    )
    .action(
      async (
        dir: string,
        out: string,
        options: GlobalOptions & { readonly leaks?: string; readonly signals?: string },
      ) => {
        const { evaluate } = await import('../evaluate.ts')
        await evaluate(dir, out, options)
      },
    )
}
