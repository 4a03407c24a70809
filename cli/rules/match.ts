/** `modelwarden rules match`: rules over a file of events, one line a match. */
import { once } from 'node:events'
import { counted } from '../../core/counted.ts'
import { formatMistake } from '../../core/errors.ts'
import { EventLines } from '../../engine/sigma/ndjson.ts'
import type { EventTree, LogSource, Matcher } from '../../engine/sigma/types.ts'
import { neutralText } from '../../runtime/terminal-text.ts'
import { matcherOfFiles } from '../../services/detect/authoring/event-matching.ts'
import type { EventRule } from '../../services/detect/rule-set/listed-rules.ts'
import { CliError, exitCodes } from '../exit.ts'
import { note } from '../output.ts'
import { readEventsFile } from './events-file.ts'
import { eventRules } from './kept-rules.ts'
import { loadPipelines, loadRulesAlone } from './load.ts'

export interface MatchOptions {
  readonly rules: readonly string[]
  readonly events: string
  readonly pipeline?: readonly string[]
  readonly logsource?: string
  readonly json?: true
  readonly stats?: true
  readonly strict?: true
  /** False with --no-cache. */
  readonly cache: boolean
}

/** Complaints shown of the rules, and of the events. */
const shownMax = 20
const bufferCharsMax = 256 * 1024

export async function matchEvents(options: MatchOptions): Promise<void> {
  const given = readLogSource(options.logsource)
  const startedMs = performance.now()
  const { files, mistakes, shown } = await loadRulesAlone(options.rules)
  const pipelines = await loadPipelines(options.pipeline ?? [])
  const compiled = await eventRules([...files, ...pipelines.files], options.cache)
  const { rules } = compiled
  const matcher = matcherOfFiles(rules, given)
  const loadMs = performance.now() - startedMs
  const refused = [
    ...mistakes,
    ...pipelines.mistakes,
    ...compiled.mistakes.map((one) =>
      one.place === undefined ? one : { ...one, place: shown(pipelines.shown(one.place)) },
    ),
  ]
  for (const mistake of refused.slice(0, shownMax)) note(formatMistake(mistake))
  if (refused.length > shownMax) note(`… and ${refused.length - shownMax} more mistakes.`)
  if (refused.length > 0 && options.strict) {
    throw new CliError(exitCodes.usage, 'RULES_INVALID', `The rules have ${counted(refused.length, 'mistake')}.`)
  }
  const run = new MatchRun(matcher, options.json ?? false)
  const matchedMs = performance.now()
  await readEventsFile({
    path: options.events,
    onEvent: (event, number) => run.event(event, number),
    onBroken: (number, problem) => run.broken(number, problem),
    lines: run.lines,
    pause: () => run.written(),
  })
  await run.end()
  if (!options.stats) return
  const seconds = (performance.now() - matchedMs) / 1_000
  const { events, matches, brokenEvents } = run
  const stats = {
    rules: rules.length,
    refused: refused.length,
    loadMs: Math.round(loadMs),
    events,
    broken: brokenEvents,
    matches,
    seconds: Number(seconds.toFixed(3)),
    eventsPerSecond: Math.round(events / Math.max(seconds, 1e-6)),
  }
  process.stderr.write(`${JSON.stringify(stats)}\n`)
}

class MatchRun {
  matches = 0
  brokenEvents = 0
  readonly lines: EventLines<EventRule>
  readonly #matcher: Matcher<EventRule>
  readonly #json: boolean
  readonly #spelled = new Map<string, string>()
  #single = 0
  #buffer = ''
  #full = false

  constructor(matcher: Matcher<EventRule>, json: boolean) {
    this.#matcher = matcher
    this.#json = json
    this.lines = new EventLines(matcher, {
      onMatch: (number, { meta }) => this.#matched(number, meta),
      onBadLine: (number, message) => this.broken(number, message),
    })
  }

  get events(): number {
    return this.lines.events + this.#single
  }

  event(event: EventTree, number: number): void {
    this.#single++
    this.#matcher.match(event, ({ meta }) => this.#matched(number, meta))
  }

  #matched(number: number, meta: EventRule['meta']): void {
    this.matches++
    this.#buffer += this.#json ? `{"event":${number},"rule":${this.#spell(meta.id)}}\n` : this.#line(number, meta)
    if (this.#buffer.length > bufferCharsMax) this.#flush()
  }

  broken(number: number, problem: string): void {
    this.brokenEvents++
    if (this.brokenEvents <= shownMax) note(`Event ${number} was passed over: ${problem}`)
  }

  /** Waits where standard output takes no more. */
  written(): Promise<void> | undefined {
    if (!this.#full) return undefined
    this.#full = false
    return once(process.stdout, 'drain').then(() => undefined)
  }

  async end(): Promise<void> {
    this.#flush()
    await this.written()
  }

  #flush(): void {
    if (this.#buffer === '') return
    this.#full = !process.stdout.write(this.#buffer)
    this.#buffer = ''
  }

  #line(number: number, { id, title, level }: EventRule['meta']): string {
    return `${number}\t${level}\t${neutralText(id)}\t${neutralText(title)}\n`
  }

  #spell(id: string): string {
    let spelled = this.#spelled.get(id)
    if (spelled === undefined) this.#spelled.set(id, (spelled = neutralText(JSON.stringify(id))))
    return spelled
  }
}

/** `product=windows,service=sysmon` */
function readLogSource(text: string | undefined): LogSource {
  const given: Record<string, string> = {}
  for (const part of (text ?? '').split(',').filter((each) => each.trim() !== '')) {
    const [key = '', value = ''] = part.split('=').map((piece) => piece.trim())
    if (!['product', 'service', 'category'].includes(key) || value === '') {
      throw new CliError(exitCodes.usage, 'LOGSOURCE_INVALID', `"${part}" is no part of a log source.`, {
        hint: 'Write it like product=windows,service=sysmon.',
      })
    }
    given[key] = value
  }
  return given
}
