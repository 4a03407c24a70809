/** `modelwarden dead-letters`: what could not be processed, why, and back in once the cause is mended. */
import type { Command } from 'commander'
import type { DeadLetter } from '../../core/dead-letter.ts'
import { neutralLine, neutralText } from '../../runtime/terminal-text.ts'
import { connect, type Client } from '../client.ts'
import { CliError, exitCodes } from '../exit.ts'
import { print, printJson } from '../output.ts'
import { clientOptions, type ClientOptions } from '../options.ts'
import { printTable } from '../table.ts'

interface FilterOptions extends ClientOptions {
  readonly code?: string
  readonly stage?: string
  readonly source?: string
  readonly limit?: string
  readonly after?: string
}

interface Page {
  readonly items: readonly DeadLetter[]
  readonly next?: string
}

export function addDeadLettersCommand(program: Command): void {
  const deadLetters = program.command('dead-letters').description('list, show and replay what could not be processed')

  filters(clientOptions(deadLetters.command('list')))
    .description('the latest first')
    .option('--limit <n>', 'how many at most', '50')
    .option('--after <cursor>', 'the next page: what the page before gave as next')
    .addHelpText(
      'after',
      '\nExamples:\n  modelwarden dead-letters list\n  modelwarden dead-letters list --code TIME_MISSING --json',
    )
    .action(async (options: FilterOptions) => {
      const page = await pageOf(connect(options), options, options.limit ?? '50', options.after)
      if (options.json) printJson(page)
      else if (page.items.length === 0) print('No dead letters.')
      else {
        const rows = page.items.map(({ id, at, stage, code, source, message }) => [
          id,
          at,
          stage,
          code,
          source ?? '',
          message,
        ])
        printTable(['ID', 'AT', 'STAGE', 'CODE', 'SOURCE', 'MESSAGE'], rows)
        if (page.next !== undefined) print(`\nMore with: --after ${neutralLine(page.next)}`)
      }
    })

  clientOptions(deadLetters.command('show'))
    .description('one dead letter with its original, secrets masked')
    .argument('<id>', 'the dead letter')
    .addHelpText('after', '\nExamples:\n  modelwarden dead-letters show 0f2c4a…')
    .action(async (id: string, options: ClientOptions) => {
      const letter = await connect(options).get<DeadLetter>(`/v1/dead-letters/${encodeURIComponent(id)}`)
      if (options.json) {
        printJson(letter)
        return
      }
      for (const [name, value] of Object.entries(letter)) {
        if (name === 'original') continue
        print(`${name.padEnd(10)} ${neutralLine(typeof value === 'string' ? value : JSON.stringify(value), 1_000)}`)
      }
      print(`\n${neutralText(letter.original)}${letter.truncated ? '\n… (the rest was not kept)' : ''}`)
    })

  filters(clientOptions(deadLetters.command('replay')))
    .description('put dead letters back where they came from: by id, or all that fit --code, --stage, --source')
    .argument('[id...]', 'the dead letters')
    .addHelpText(
      'after',
      '\nExamples:\n  modelwarden dead-letters replay 0f2c4a…\n  modelwarden dead-letters replay --code NO_MATCH --source gateway',
    )
    .action(async (ids: string[], options: FilterOptions) => {
      const client = connect(options)
      const named = ids.length > 0
      if (!named && options.code === undefined && options.stage === undefined && options.source === undefined) {
        throw new CliError(
          exitCodes.usage,
          'NOTHING_NAMED',
          'Name dead letters by id, or with --code, --stage or --source.',
        )
      }
      const result = await replay(
        client,
        named ? { ids } : { code: options.code, stage: options.stage, source: options.source },
      )
      if (options.json) printJson(result)
      else printReplayed(result)
      if (result.notReplayed.length + result.unknown.length > 0) {
        throw new CliError(exitCodes.failure, 'SOME_NOT_REPLAYED', 'Some could not be put back.')
      }
    })
}

function filters(command: Command): Command {
  return command
    .option('--code <code>', 'with this reason code')
    .option('--stage <name>', 'of this stage')
    .option('--source <name>', 'of this source')
}

function pageOf(client: Client, { code, stage, source }: FilterOptions, limit: string, after?: string): Promise<Page> {
  return client.get<Page>('/v1/dead-letters', { code, stage, source, limit, after })
}

interface Replayed {
  readonly replayed: readonly string[]
  readonly notReplayed: readonly { readonly id: string; readonly reason: string; readonly message: string }[]
  readonly unknown: readonly string[]
}

/** As many calls as it takes: what is put back counts as such at once, so that the next call has the others. */
async function replay(client: Client, which: Readonly<Record<string, unknown>>): Promise<Replayed> {
  const replayed: string[] = []
  const notReplayed: Replayed['notReplayed'][number][] = []
  const unknown: string[] = []
  const seen = new Set<string>()
  for (let more = true; more;) {
    const answer = await client.post<Replayed & { more: boolean }>('/v1/dead-letters/replay', which)
    const news = [...answer.replayed, ...answer.notReplayed.map(({ id }) => id)].filter((id) => !seen.has(id))
    for (const id of news) seen.add(id)
    replayed.push(...answer.replayed.filter((id) => news.includes(id)))
    notReplayed.push(...answer.notReplayed.filter(({ id }) => news.includes(id)))
    unknown.push(...answer.unknown)
    // The index follows a moment later: nothing new means that it has not caught up, or that nothing is left to do.
    more = answer.more && news.length > 0
  }
  return { replayed, notReplayed, unknown }
}

function printReplayed({ replayed, notReplayed, unknown }: Replayed): void {
  for (const { id, message } of notReplayed) print(`${neutralLine(id, 64)}: ${neutralLine(message)}`)
  for (const id of unknown) print(`${neutralLine(id, 64)}: there is no such dead letter.`)
  print(`${replayed.length} put back, ${notReplayed.length + unknown.length} not.`)
}
