/** `modelwarden backtest`: rules over a past range of the index, the bus or files. */
import { SingleBar } from 'cli-progress'
import { counted } from '../../core/counted.ts'
import type { Event } from '../../core/event.ts'
import { isEvent } from '../../core/event.ts'
import { ContentInvalidError } from '../../core/errors.ts'
import { topics } from '../../core/topics.ts'
import { createLog } from '../../runtime/logger.ts'
import { loadFolders } from '../../runtime/content/content-files.ts'
import { Redactor } from '../../runtime/redact.ts'
import { Secrets } from '../../runtime/config/secrets.ts'
import { Backtest, type BacktestReport, type Judged } from '../../services/detect/authoring/backtest.ts'
import { compileRules } from '../../services/detect/rule-set/rule-set.ts'
import { openAdapters } from '../adapters.ts'
import { connect } from '../client.ts'
import { contentFolders } from '../content-folders.ts'
import { CliError, exitCodes } from '../exit.ts'
import { note, print, printJson } from '../output.ts'
import type { GlobalOptions } from '../options.ts'
import { dataFolderOf, loadSettings } from '../settings.ts'
import { printTable, type Cell } from '../table.ts'
import { readEventsFile } from './events-file.ts'
import { loadRules } from './load.ts'

export interface BacktestOptions extends GlobalOptions {
  readonly events?: readonly string[]
  readonly bus?: true
  readonly from?: string
  readonly to?: string
  readonly verdicts?: string
  readonly json?: true
}

/** Events of a bus are put into order in memory. */
const busEventsMax = 500_000
const pageSize = 1_000
const shownMax = 10

export async function backtest(paths: readonly string[], options: BacktestOptions): Promise<void> {
  const loaded = loadSettings(options)
  const { files, shown } = await loadRules(loaded, paths)
  const { set, mistakes } = compileRules(files)
  if (mistakes.length > 0) {
    throw new ContentInvalidError(
      mistakes.map((one) => (one.place === undefined ? one : { ...one, place: shown(one.place) })),
    )
  }
  const inventory = await loadFolders(contentFolders(loaded.config, loaded.folder).inventory)
  const range = { fromMs: timeOf(options.from, '--from', -Infinity), toMs: timeOf(options.to, '--to', Infinity) }
  const test = new Backtest(files, set, inventory.files)
  const bar = new Progress()
  const take = (event: unknown): void => {
    if (!isEvent(event)) return bar.passedOver()
    const timeMs = Date.parse(event['@timestamp'])
    if (timeMs >= range.fromMs && timeMs < range.toMs) test.event(event)
  }
  try {
    if (options.events !== undefined) await fromFiles(options.events, take, bar)
    else if (options.bus === true) await fromBus(options, take, bar)
    else await fromIndex(options, range, take, bar)
  } finally {
    bar.stop()
  }
  const closed = await verdicts(options)
  const report = test.finish(closed, () => performance.now())
  if (bar.broken > 0)
    note(
      `${counted(bar.broken, 'record was passed over: it is no event', 'records were passed over: they are no events')}.`,
    )
  if (options.json) printJson(report)
  else show(report)
}

function timeOf(text: string | undefined, option: string, otherwise: number): number {
  const ms = text === undefined ? otherwise : Date.parse(text)
  if (!Number.isNaN(ms)) return ms
  throw new CliError(exitCodes.usage, 'TIME_INVALID', `${option} ${JSON.stringify(text)} is no date.`, {
    hint: 'Write it like 2026-03-01 or 2026-03-01T10:00:00Z.',
  })
}

type Take = (event: unknown) => void

async function fromFiles(paths: readonly string[], take: Take, bar: Progress): Promise<void> {
  for (const path of paths) {
    await readEventsFile({
      path,
      onEvent: take,
      onBroken: () => bar.passedOver(),
      onProgress: (read, total) => bar.at(read, total, path),
    })
  }
}

async function fromIndex(
  options: BacktestOptions,
  range: { readonly fromMs: number; readonly toMs: number },
  take: Take,
  bar: Progress,
): Promise<void> {
  const client = connect(options)
  let after: string | undefined
  let first: number | undefined
  const endMs = Math.min(range.toMs, Date.now())
  do {
    const page: { items: readonly Event[]; next?: string } = await client.get('/v1/events', {
      from: options.from,
      to: options.to,
      sort: 'time:asc',
      limit: String(pageSize),
      after,
    })
    for (const event of page.items) take(event)
    const reached = Date.parse(page.items.at(-1)?.['@timestamp'] ?? '')
    first ??= Date.parse(page.items[0]?.['@timestamp'] ?? '')
    if (Number.isFinite(reached)) bar.at(reached - first, Math.max(1, endMs - first), 'events')
    after = page.next
  } while (after !== undefined)
}

async function fromBus(options: BacktestOptions, take: Take, bar: Progress): Promise<void> {
  const { config, folder } = loadSettings(options)
  const redactor = new Redactor()
  const log = createLog({ ...config.log, level: 'warn', redactor })
  const secrets = new Secrets({ env: process.env, folder, redactor, log })
  const dataFolder = dataFolderOf(loadSettings(options))
  const adapters = await openAdapters({ config, folder, dataFolder, secrets, log, index: false })
  const events: { readonly timeMs: number; readonly event: unknown }[] = []
  try {
    const { bus } = adapters
    const ends = await bus.offsets(topics.events)
    const total = ends.reduce((sum, { low, high }) => sum + high - low, 0)
    let read = 0
    for (const { partition } of ends) {
      await bus.read({ topic: topics.events, partition }, 'start', (batch) => {
        for (const { value, headers } of batch) {
          read++
          if (value === null || headers['control'] !== undefined) continue
          const event = parsed(value)
          if (!isEvent(event)) continue
          events.push({ timeMs: Date.parse(event['@timestamp']), event })
        }
        bar.at(read, Math.max(1, total), 'records')
        if (events.length > busEventsMax) {
          throw new CliError(exitCodes.failure, 'TOO_MANY_EVENTS', `The bus holds more than ${busEventsMax} events.`, {
            hint: 'Ask the index for a range instead: leave --bus out, and give --from and --to.',
          })
        }
      })
    }
  } finally {
    await adapters.close()
  }
  events.sort((a, b) => a.timeMs - b.timeMs)
  for (const { event } of events) take(event)
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}

/** Closed incidents: of a file, or of the instance that the events are from. */
async function verdicts(options: BacktestOptions): Promise<readonly Judged[]> {
  const closed: Judged[] = []
  if (options.verdicts !== undefined) {
    await readEventsFile({
      path: options.verdicts,
      onEvent: (value) => {
        const { items } = value as { items?: readonly Judged[] }
        closed.push(...(items ?? [value as unknown as Judged]))
      },
      onBroken: (number, problem) => note(`Verdict ${number} was passed over: ${problem}`),
    })
    return closed.filter(isJudged)
  }
  if (options.events !== undefined || options.bus === true) return []
  const client = connect(options)
  let after: string | undefined
  do {
    const page: { items: readonly Judged[]; next?: string } = await client.get('/v1/incidents', {
      status: 'closed',
      limit: String(pageSize),
      after,
    })
    closed.push(...page.items)
    after = page.next
  } while (after !== undefined)
  return closed
}

function isJudged(value: Partial<Judged>): value is Judged {
  return Array.isArray(value.signals) && typeof value.primary?.id === 'string' && typeof value.firstSeen === 'string'
}

function show({ events, from, to, signals, rules, dropped }: BacktestReport): void {
  const fired = rules.filter((row) => row.signals > 0)
  const rows = fired.map((row): readonly Cell[] => [
    row.title,
    row.level,
    row.signals,
    String(row.perDay),
    row.precision === null ? '' : `${Math.round(row.precision * 100)} % of ${row.truePositives + row.falsePositives}`,
    row.costUs === null ? '' : `${row.costUs} µs`,
  ])
  if (rows.length > 0) printTable(['RULE', 'LEVEL', 'SIGNALS', 'A DAY', 'RIGHT', 'COST'], rows)
  print(
    `\n${events} events from ${from ?? 'nowhere'} to ${to ?? 'nowhere'}: ${signals} signals of ${fired.length} rules; ${rules.length - fired.length} rules were silent.`,
  )
  const reasons = Object.entries(dropped).map(([reason, count]) => `${reason} ${count}`)
  if (reasons.length > 0) print(`Dropped: ${reasons.slice(0, shownMax).join(', ')}.`)
}

class Progress {
  broken = 0
  #bar: SingleBar | undefined

  at(done: number, total: number, what: string): void {
    if (!process.stderr.isTTY) return
    if (this.#bar === undefined) {
      this.#bar = new SingleBar({ stream: process.stderr, format: '{bar} {percentage}% {what}', hideCursor: true })
      this.#bar.start(total, 0, { what })
    }
    this.#bar.setTotal(total)
    this.#bar.update(Math.min(done, total), { what })
  }

  passedOver(): void {
    this.broken++
  }

  stop(): void {
    this.#bar?.stop()
  }
}
