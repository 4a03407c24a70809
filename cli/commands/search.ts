/** `modelwarden search`: what the index has, asked in KQL. */
import { Argument, Option, type Command } from 'commander'
import { neutralLine } from '../../runtime/terminal-text.ts'
import { connect, type Client } from '../client.ts'
import { CliError, exitCodes } from '../exit.ts'
import { note, print, printJson } from '../output.ts'
import { csvLine, fieldText, type Row } from '../records.ts'
import { clientOptions, type ClientOptions } from '../options.ts'
import { printTable } from '../table.ts'
import { spanOf, type SpanOptions } from '../time-span.ts'

const lists = [
  'events',
  'signals',
  'incidents',
  'actions',
  'decisions',
  'deeds',
  'licenses',
  'credentials',
  'leaks',
  'usage',
  'dead-letters',
] as const
type List = (typeof lists)[number]

/** What a table shows where nothing else is asked for. */
const columns: Readonly<Record<List, readonly string[]>> = {
  events: ['@timestamp', 'organization.id', 'warden.principal', 'event.action', 'event.outcome', 'source.ip', 'warden.asset.id', 'warden.model.id'],
  signals: ['@timestamp', 'scope', 'rule.level', 'rule.id', 'risk', 'explanation'],
  incidents: ['openedAt', 'tenant', 'severity', 'risk', 'status', 'id', 'title'],
  actions: ['at', 'tenant', 'state', 'connector', 'action', 'target', 'summary'],
  decisions: ['at', 'tenant', 'by', 'kind', 'incidentId', 'text'],
  deeds: ['at', 'tenant', 'by', 'deed', 'target', 'outcome', 'code'],
  licenses: ['updatedAt', 'license.tenant', 'license.id', 'license.models', 'license.form', 'license.tier'],
  credentials: ['updatedAt', 'credential.tenant', 'credential.id', 'credential.principal', 'state', 'credential.label'],
  leaks: ['@timestamp', 'account', 'model', 'queries', 'distinct', 'coverage', 'fidelity', 'lo90', 'hi90'],
  usage: ['start', 'period', 'state', 'kind', 'tenant', 'licenseId', 'credentialId', 'model', 'success.calls', 'success.inputTokens', 'success.outputTokens'],
  'dead-letters': ['at', 'stage', 'code', 'source', 'message'],
} // prettier-ignore

const pageItems = 500
const limitMax = 10_000_000

interface SearchOptions extends ClientOptions, SpanOptions {
  readonly in: List
  readonly fields?: string
  readonly sort?: string
  readonly limit?: string
  readonly ndjson?: true
  readonly csv?: true
  readonly synthetic?: true
}

interface Page {
  readonly items: readonly Row[]
  readonly next?: string
}

export function addSearchCommand(program: Command): void {
  clientOptions(program.command('search'))
    .description('what the index has: events, signals, incidents and all else, asked in KQL')
    .addArgument(new Argument('[query]', 'in KQL; words alone: anywhere in the document').default('', 'everything'))
    .addOption(new Option('--in <list>', 'where to look').choices(lists).default('events'))
    .option('--since <span>', 'of the last 30m, 24h, 7d, …')
    .option('--from <time>', 'from here on: 2026-03-01, 2026-03-01T10:00:00Z')
    .option('--to <time>', 'up to here, not included')
    .option('--fields <list>', 'which fields, separated by commas')
    .option('--sort <field>', 'a field, and :asc or :desc (default: time:desc)')
    .option('--limit <n>', 'how many at most (default: 50; --ndjson and --csv: all)')
    .option('--synthetic', 'also what only measures the pipeline')
    .addOption(new Option('--ndjson', 'print each document as a line of JSON, all pages').conflicts(['json', 'csv']))
    .addOption(new Option('--csv', 'print fields as CSV that no spreadsheet runs, all pages').conflicts('json'))
    .addHelpText(
      'after',
      '\nExamples:\n  modelwarden search "user.name: ana and event.action: (GetObject or CopyObject)" --since 24h\n' +
        '  modelwarden search "principal: acme/* and warden.bytes >= 1000000" --from 2026-03-01 --ndjson\n' +
        '  modelwarden search "rule: weights-*" --in signals --fields @timestamp,rule.id,explanation\n' +
        '  modelwarden search "weights shard" --json | jq .items',
    )
    .action(async (query: string, options: SearchOptions) => {
      const client = connect(options)
      try {
        await search(client, query, options)
      } catch (error) {
        throw pointed(error, query)
      }
    })
}

async function search(client: Client, query: string, options: SearchOptions): Promise<void> {
  const streams = options.ndjson === true || options.csv === true
  const limit = limitOf(options.limit) ?? (streams ? limitMax : 50)
  const parameters = {
    q: query.trim() === '' ? undefined : query,
    sort: options.sort,
    synthetic: options.synthetic === true ? 'true' : undefined,
    ...spanOf(options, Date.now()),
  }
  const fields = fieldsOf(options)
  if (options.csv) print(fields.join(','))
  const shown: Row[] = []
  let next: string | undefined
  let count = 0
  do {
    const size = String(Math.min(pageItems, limit - count))
    const page = await client.get<Page>(`/v1/${options.in}`, { ...parameters, limit: size, after: next })
    for (const item of page.items) {
      if (options.ndjson) printJson(chosen(item, options.fields === undefined ? undefined : fields))
      else if (options.csv) print(csvLine(fields.map((field) => fieldText(item, field))))
      else shown.push(item)
    }
    count += page.items.length
    next = page.next
  } while (next !== undefined && count < limit)
  if (streams) return
  if (options.json) {
    const items = shown.map((item) => chosen(item, options.fields === undefined ? undefined : fields))
    printJson(next === undefined ? { items } : { items, next })
  } else printRows(shown, fields, next !== undefined)
}

function printRows(items: readonly Row[], fields: readonly string[], more: boolean): void {
  if (items.length === 0) {
    print('Nothing found.')
    return
  }
  // What no document has takes no room.
  const used = fields.filter((field) => items.some((item) => fieldText(item, field) !== ''))
  printTable(
    used.map((field) => neutralLine(field, 60)),
    items.map((item) => used.map((field) => neutralLine(fieldText(item, field), 60))),
  )
  if (more) note('There is more: a larger --limit, or --ndjson for all.')
}

function chosen(item: Row, fields: readonly string[] | undefined): unknown {
  return fields === undefined ? item : Object.fromEntries(fields.map((field) => [field, fieldText(item, field)]))
}

function fieldsOf({ fields, in: list }: SearchOptions): readonly string[] {
  if (fields === undefined) return columns[list]
  const named = fields.split(',').map((field) => field.trim())
  if (named.every((field) => /^[A-Za-z@_][\w.@-]{0,511}$/.test(field))) return named
  throw new CliError(exitCodes.usage, 'FIELDS_INVALID', '--fields are names of fields, separated by commas.')
}

function limitOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const limit = Number(text)
  if (Number.isInteger(limit) && limit >= 1 && limit <= limitMax) return limit
  throw new CliError(exitCodes.usage, 'LIMIT_INVALID', `--limit is a whole number, 1 to ${limitMax}.`)
}

/** A mistake in the query is shown where it stands. */
function pointed(error: unknown, query: string): unknown {
  if (!(error instanceof CliError) || error.column === undefined) return error
  const from = Math.max(0, error.column - 1 - 60)
  const before = neutralLine(query.slice(from, error.column - 1), 1_000)
  note(
    `${before}${neutralLine(query.slice(error.column - 1, error.column + 40), 1_000)}\n${' '.repeat(before.length)}^`,
  )
  return error
}
