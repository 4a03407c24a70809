/** `modelwarden canary`: planted answers that prove where a model comes from. */
import { InvalidArgumentError, Option, type Command } from 'commander'
import type { PlanOptions } from '../canary.ts'
import type { ReportOptions, VerifyOptions } from '../canary-examine.ts'
import { globalOptions, type GlobalOptions } from '../options.ts'
import { loadSettings } from '../settings.ts'

/** What follows it has room in an id as well. */
const prefixCharsMax = 40
const keyHelp = 'where the key of the seal stands: env:NAME or file:PATH (32 bytes or more)'

export function addCanaryCommand(program: Command): void {
  const canary = program.command('canary').description('make canaries, register them, and examine a suspect model')

  canary
    .command('plan')
    .description('make canaries and controls, and seal them')
    .argument('<sealed>', 'the file to write; never overwritten')
    .requiredOption('--key <ref>', keyHelp)
    .option('--count <n>', 'how many are planted; as many controls are made', between(8, 5_000), 40)
    .option('--options <n>', 'answers on offer for each', between(2, 64), 12)
    .addOption(
      new Option('--style <style>', 'invented facts, or strings without a meaning')
        .choices(['facts', 'triggers'])
        .default('facts'),
    )
    .option('--prefix <text>', 'how their ids begin', ofAtMost(prefixCharsMax), 'cn')
    .option('--training <file>', 'also write the planted ones in clear, to teach them to the model')
    .option('--json', 'print what was made as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  modelwarden canary plan canaries.sealed --key env:CANARY_KEY --training teach.jsonl',
    )
    .action(async (sealed: string, options: PlanOptions) => {
      const { plan } = await import('../canary.ts')
      await plan(sealed, options)
    })

  globalOptions(canary.command('register'))
    .description('tell detectors of planted canaries, by digests of their texts')
    .argument('<sealed>', 'what `canary plan` made')
    .requiredOption('--key <ref>', keyHelp)
    .option('--json', 'print what was registered as JSON')
    .addHelpText('after', '\nExample:\n  modelwarden canary register canaries.sealed --key env:CANARY_KEY')
    .action(async (sealed: string, options: GlobalOptions & { key: string; json?: true }) => {
      const { registerCanaries } = await import('../canary.ts')
      await registerCanaries(sealed, options, loadSettings(options))
    })

  canary
    .command('verify')
    .description('question a suspect model, controls in between, and report an exact p-value')
    .argument('<sealed>', 'what `canary plan` made')
    .requiredOption('--key <ref>', keyHelp)
    .requiredOption('--url <url>', 'of the endpoint, e.g. https://suspect.example/v1/chat/completions')
    .requiredOption('--model <name>', 'as the endpoint calls it')
    .option('--api-key <ref>', 'where its key stands: env:NAME or file:PATH')
    .option('--template <file>', 'JSON to send, with {{prompt}} and {{model}} (default: as OpenAI has it)')
    .option('--answer-path <path>', 'where the answer is in what comes back', 'choices.0.message.content')
    .option('--per-minute <n>', 'questions a minute', between(1, 6_000), 30)
    .option('--timeout <seconds>', 'for one answer', between(1, 600), 60)
    .option('--journal <file>', 'a new file for every question and answer, one a line (default: canary-<time>.jsonl)')
    .option('--report <file>', 'the report, as Markdown; never overwritten')
    .option('--allow-http', 'also without TLS')
    .option(
      '--allow-address <block>',
      'also this block of addresses that are not public (may be repeated)',
      collect,
      [],
    )
    .option('--json', 'print the numbers as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  modelwarden canary verify canaries.sealed --key env:CANARY_KEY --url https://suspect.example/v1/chat/completions --model x --report report.md',
    )
    .action(async (sealed: string, options: VerifyOptions) => {
      const { verify } = await import('../canary-examine.ts')
      await verify(sealed, options)
    })
  canary
    .command('report')
    .description('count the journal of an examination again, also of one that was broken off')
    .argument('<sealed>', 'what `canary plan` made')
    .argument('<journal>', 'what `canary verify` wrote down')
    .requiredOption('--key <ref>', keyHelp)
    .option('--report <file>', 'the report, as Markdown; never overwritten')
    .option('--json', 'print the numbers as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  modelwarden canary report canaries.sealed canary-1790000000000.jsonl --key env:CANARY_KEY',
    )
    .action(async (sealed: string, journal: string, options: ReportOptions) => {
      const { reportAgain } = await import('../canary-examine.ts')
      await reportAgain(sealed, journal, options)
    })
  canary
    .command('open')
    .description('print the plan in clear; its SHA-256 is the commitment')
    .argument('<sealed>', 'what `canary plan` made')
    .requiredOption('--key <ref>', keyHelp)
    .addHelpText(
      'after',
      '\nWho reads it knows the answers: open it when they have served their purpose.\n\nExample:\n  modelwarden canary open canaries.sealed --key env:CANARY_KEY | sha256sum',
    )
    .action(async (sealed: string, options: { key: string }) => {
      const { openPlan } = await import('../canary.ts')
      await openPlan(sealed, options)
    })
}

function between(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!Number.isInteger(value) || value < min || value > max) {
      throw new InvalidArgumentError(`Give a whole number from ${min} to ${max}.`)
    }
    return value
  }
}

function ofAtMost(charsMax: number): (text: string) => string {
  return (text) => {
    if (text.length > charsMax) throw new InvalidArgumentError(`Give at most ${charsMax} characters.`)
    return text
  }
}

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value]
}
