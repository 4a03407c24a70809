/** The event that a command is about: a file of one or more, standard input, or an id that a live instance is asked for. */
import { existsSync } from 'node:fs'
import type { EventTree } from '../../engine/sigma/types.ts'
import { connect } from '../client.ts'
import { CliError, exitCodes } from '../exit.ts'
import type { GlobalOptions } from '../options.ts'
import { readEventsFile } from './events-file.ts'

/** `-`, `file.json`, `file.ndjson:17` (the event's number, from 0), or an event's id. */
export async function inputEvent(text: string, options: GlobalOptions): Promise<EventTree> {
  const numbered = /^(.*):(\d{1,12})$/.exec(text)
  if (text === '-' || existsSync(text)) return await fromFile(text, 0)
  if (numbered !== null && (numbered[1] === '-' || existsSync(numbered[1]!))) {
    return await fromFile(numbered[1]!, Number(numbered[2]))
  }
  if (/[/\\]|\.(?:nd)?jsonl?(?::\d+)?$/.test(text)) {
    throw new CliError(exitCodes.usage, 'FILE_UNREADABLE', `There is no file ${text}.`)
  }
  return await connect(options).get<EventTree>(`/v1/events/${encodeURIComponent(text)}`)
}

async function fromFile(path: string, number: number): Promise<EventTree> {
  let found: EventTree | undefined
  let problem: string | undefined
  await readEventsFile({
    path,
    onEvent: (event, at) => {
      if (at === number) found = event
    },
    onBroken: (at, why) => {
      if (at === number) problem = why
    },
  })
  if (found !== undefined) return found
  const message = problem === undefined ? `${path} has no event ${number}.` : `Event ${number} of ${path}: ${problem}`
  throw new CliError(exitCodes.usage, 'EVENT_UNREADABLE', message)
}
