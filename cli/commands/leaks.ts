/** `modelwarden leaks`: what each account holds of a model, and how faithful a copy it could train with that. */
import type { Command } from 'commander'
import type { Leak } from '../../core/leak.ts'
import { neutralLine } from '../../runtime/terminal-text.ts'
import { connect, type Client } from '../client.ts'
import { CliError, exitCodes } from '../exit.ts'
import { note, print, printJson } from '../output.ts'
import { clientOptions, type ClientOptions } from '../options.ts'
import { printTable } from '../table.ts'

const pageItems = 500
const limitMax = 100_000

interface LeaksOptions extends ClientOptions {
  readonly model?: string
  readonly account?: string
  readonly limit: string
}

interface Page {
  readonly items: readonly Leak[]
  readonly next?: string
}

export function addLeaksCommand(program: Command): void {
  clientOptions(program.command('leaks'))
    .description(
      'what each account holds of a model, and how faithful a copy it could train: the most different answers first',
    )
    .option('--model <id>', 'of this model')
    .option('--account <tenant/user>', 'of this account')
    .option('--limit <n>', 'how many at most', '50')
    .addHelpText(
      'after',
      `
DISTINCT is about how many different inputs were answered, COVERAGE the share of natural inputs with an answered one nearby,
FIDELITY the share of natural inputs on which a copy would agree with the model, with its 90 % interval (docs/detectors/leak-account.md).

Examples:
  modelwarden leaks --model ranker
  modelwarden leaks --account acme/customer-7 --json`,
    )
    .action(async (options: LeaksOptions) => {
      const limit = limitOf(options.limit)
      const { items, more } = await leaksOf(connect(options), options, limit)
      if (options.json) printJson({ items, more })
      else printLeaks(items, more)
    })
}

async function leaksOf(
  client: Client,
  { model, account }: LeaksOptions,
  limit: number,
): Promise<{ readonly items: readonly Leak[]; readonly more: boolean }> {
  const items: Leak[] = []
  let next: string | undefined
  do {
    const query = { model, account, sort: 'distinct:desc', limit: String(Math.min(pageItems, limit - items.length)) }
    const page = await client.get<Page>('/v1/leaks', { ...query, after: next })
    items.push(...page.items)
    next = page.next
  } while (next !== undefined && items.length < limit)
  return { items, more: next !== undefined }
}

function printLeaks(items: readonly Leak[], more: boolean): void {
  if (items.length === 0) {
    print('Nobody holds enough to speak of: accounts are told from 25 different answers on.')
    return
  }
  printTable(
    ['ACCOUNT', 'MODEL', 'QUERIES', 'DISTINCT', 'COVERAGE', 'FIDELITY', '90 % INTERVAL', 'LAST QUERY'],
    items.map((leak) => [
      neutralLine(leak.account, 60),
      neutralLine(leak.model, 40),
      leak.queries,
      leak.distinct,
      percent(leak.coverage),
      percent(leak.fidelity),
      leak.lo90 === undefined ? '' : `${percent(leak.lo90)} to ${percent(leak.hi90)}`,
      leak['@timestamp'],
    ]),
  )
  if (more) note('There are more: a larger --limit.')
}

function percent(share: number | undefined): string {
  return share === undefined ? '' : `${(100 * share).toFixed(1)} %`
}

function limitOf(text: string): number {
  const limit = Number(text)
  if (Number.isInteger(limit) && limit >= 1 && limit <= limitMax) return limit
  throw new CliError(exitCodes.usage, 'LIMIT_INVALID', `--limit is a whole number, 1 to ${limitMax}.`)
}
