/** `modelwarden rules except`: an exception out of a finding, verified and written beside the rules. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { stringify } from 'yaml'
import type { Signal } from '../../core/signal.ts'
import type { EventTree } from '../../engine/sigma/types.ts'
import { neutralText } from '../../runtime/terminal-text.ts'
import { makeException, objections, type ExceptionWish } from '../../services/detect/authoring/made-exception.ts'
import { connect } from '../client.ts'
import { CliError, exitCodes } from '../exit.ts'
import { note, print, printJson } from '../output.ts'
import type { GlobalOptions } from '../options.ts'
import { loadSettings } from '../settings.ts'
import { loadRules, loadSources } from './load.ts'

export interface ExceptOptions extends GlobalOptions {
  readonly reason: string
  readonly author?: string
  readonly expires: string
  readonly field?: readonly string[]
  readonly output?: string
  readonly print?: true
  readonly json?: true
}

/** Events looked at behind one signal. */
const eventsMax = 20
const dayMs = 86_400_000

export async function exceptSignal(id: string, options: ExceptOptions): Promise<void> {
  const loaded = loadSettings(options)
  const client = connect(options)
  const signal = await client.get<Signal>(`/v1/signals/${encodeURIComponent(id)}`)
  const events: EventTree[] = []
  for (const evidence of signal.evidence.events.slice(0, eventsMax)) {
    try {
      events.push(await client.get<EventTree>(`/v1/events/${encodeURIComponent(evidence.id)}`))
    } catch (error) {
      // Retention may have taken it; the others say enough.
      if (!(error instanceof CliError) || error.code !== 'NOT_FOUND') throw error
    }
  }
  const wish: ExceptionWish = {
    signal,
    events,
    fields: options.field,
    author: options.author ?? userInfo().username,
    reason: options.reason,
    expires: endOf(options.expires, Date.now()),
  }
  const made = makeException(wish)
  if (typeof made === 'string') throw new CliError(exitCodes.failure, 'EXCEPTION_NOT_MADE', made)
  const against = objections(made, wish, await loadRules(loaded, []), await loadSources(loaded))
  if (against.length > 0) {
    for (const each of against) note(each)
    throw new CliError(exitCodes.failure, 'EXCEPTION_REFUSED', 'The exception was not written.', {
      hint: 'Name more fields with --field, so that it hides less.',
    })
  }
  const text = stringify(made.document, { lineWidth: 120 })
  const [own] = loaded.config.content.rules
  const path =
    options.output ?? (own === undefined ? undefined : join(resolve(loaded.folder, own), 'exceptions', made.fileName))
  if (options.print === true || path === undefined) {
    print(neutralText(text).trimEnd())
    if (path === undefined)
      note('Put it into a rules folder of your own (content.rules), or name a file with --output.')
    return
  }
  if (existsSync(path)) throw new CliError(exitCodes.failure, 'FILE_EXISTS', `${path} is there already.`)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text, { mode: 0o644 })
  if (options.json) printJson({ file: path, exception: made.document })
  else print(`Written: ${path}`)
}

/** `30d`, a date, or `never`. */
function endOf(text: string, nowMs: number): string | undefined {
  if (text === 'never') return undefined
  const days = /^([1-9]\d{0,3})d$/.exec(text)?.[1]
  const ms = days === undefined ? Date.parse(text) : nowMs + Number(days) * dayMs
  if (Number.isFinite(ms) && ms > nowMs) return new Date(ms).toISOString()
  throw new CliError(exitCodes.usage, 'EXPIRES_INVALID', `--expires ${JSON.stringify(text)} is no time to come.`, {
    hint: 'Write 30d, 2027-03-01, or never.',
  })
}
