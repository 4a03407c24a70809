/**
 * The demo: a day of records through the running instance, and what came of it.
 *
 * Promises: everything that it prints after a heading was read from the live system; it calls the same endpoints as anybody.
 */
import { randomBytes } from 'node:crypto'
import { dirname } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { SingleBar } from 'cli-progress'
import { counted } from '../../core/counted.ts'
import type { Incident } from '../../core/incident.ts'
import { neutralLine } from '../../runtime/terminal-text.ts'
import type { Instance } from '../compose.ts'
import { print, styled } from '../output.ts'
import { printTable } from '../table.ts'
import { extractor } from './cast.ts'
import { believableDay, type DemoRecord } from './day.ts'
import { askAuthorize, authorizeCommand, handIn, registerCustomers, type Door } from './door.ts'
import { observe, type Observed } from './observe.ts'

/** How long the day takes to tell. */
const playMs = 20_000
const batchRecordsMax = 60
const waitMs = 30_000

/** Plays the day (`told`: all of it is in) and says what came of it; returns early when a stop is asked for. */
export async function playDemo(instance: Instance, stop: AbortSignal, told: () => void): Promise<void> {
  const door: Door = { url: instance.url!, adminToken: instance.adminToken! }
  heading('Modelwarden is up')
  print(`Listening on ${door.url}; data in ${instance.dataFolder}; nothing leaves this machine.`)
  await registerCustomers(door)
  const before = await answerOnce(door, (answer) => answer.allowed)
  heading('A customer’s key, before')
  showAnswer(door, before)

  const bar = progressBar()
  const observed = await observe(instance.bus, (incident) => announce(incident, bar))
  try {
    const day = believableDay(Date.now(), randomBytes(6).toString('hex'))
    heading(`A day of ${day.length.toLocaleString('en-US')} records, in a moment`)
    await play(door, day, bar, stop)
    told()
    if (stop.aborted) return
    await settle(observed)
    showIncidents(observed)
    heading('The same key, after')
    showAnswer(door, await answerOnce(door, (answer) => !answer.allowed))
    showDone(observed)
    showNext(door, observed)
  } finally {
    bar?.stop()
    await observed.stop()
  }
}

function heading(text: string): void {
  print(`\n${styled('bold', text)}`)
}

function progressBar(): SingleBar | undefined {
  if (!process.stdout.isTTY) return undefined
  const format = '{bar} {percentage}%  {value} of {total} records'
  return new SingleBar({
    format,
    hideCursor: true,
    clearOnComplete: true,
    stopOnComplete: true,
    stream: process.stdout,
  })
}

/** Records in order of time, a batch of one source after the other, spread over the time that the telling takes. */
async function play(
  door: Door,
  day: readonly DemoRecord[],
  bar: SingleBar | undefined,
  stop: AbortSignal,
): Promise<void> {
  const startedMs = performance.now()
  bar?.start(day.length, 0)
  let next = 0
  while (next < day.length && !stop.aborted) {
    const { source } = day[next]!
    let end = next + 1
    while (end < day.length && end - next < batchRecordsMax && day[end]!.source === source) end++
    await handIn(door, source, day.slice(next, end))
    next = end
    bar?.update(next)
    const aheadMs = (playMs * next) / day.length - (performance.now() - startedMs)
    if (aheadMs > 0) await pause(aheadMs, undefined, { signal: stop }).catch(() => undefined)
  }
}

function announce(incident: Incident, bar: SingleBar | undefined): void {
  // It takes the place of one that has been told.
  if (incident.supersedes.length > 0) return
  const line = `Incident opened: ${incident.severity}: ${neutralLine(incident.title, 150)}`
  // A line of its own above the bar.
  if (bar?.isActive === true) process.stdout.write('\r\u001b[K')
  print(styled('yellow', line))
}

/** Until both thefts have an incident and what playbooks do by themselves is done. */
async function settle(observed: Observed): Promise<void> {
  const { actions } = observed
  const resting = ['awaiting-approval', 'done', 'verified', 'dry-run', 'refused', 'failed', 'undone']
  const acted = (): boolean => {
    const all = [...actions.values()]
    return standing(observed).length >= 2 && all.some((action) => action.state === 'awaiting-approval') &&
      all.some((action) => action.state === 'verified') && all.every((action) => resting.includes(action.state)) // prettier-ignore
  }
  await observed.until(acted, waitMs)
}

async function answerOnce(door: Door, wanted: (answer: Awaited<ReturnType<typeof askAuthorize>>) => boolean) {
  const deadlineMs = performance.now() + waitMs
  for (;;) {
    const answer = await askAuthorize(door)
    if (wanted(answer) || performance.now() > deadlineMs) return answer
    await pause(100)
  }
}

function showAnswer(
  door: Door,
  answer: { readonly status: number; readonly body: string; readonly allowed: boolean },
): void {
  print(`$ ${authorizeCommand(door)}`)
  print(`${styled(answer.allowed ? 'green' : 'red', answer.body)}   (HTTP ${answer.status})`)
}

/** Incidents without those that have become part of another, the gravest first. */
function standing({ incidents }: Observed): Incident[] {
  const stand = [...incidents.values()].filter(({ status }) => status !== 'merged' && status !== 'retracted')
  return stand.sort((a, b) => b.risk - a.risk)
}

function showIncidents(observed: Observed): void {
  heading('Incidents')
  for (const incident of standing(observed)) {
    const color = incident.severity === 'critical' ? 'red' : 'yellow'
    print(`\n${styled(color, incident.severity.toUpperCase())}  ${neutralLine(incident.title, 200)}`)
    print(
      `  ${incident.id}  tenant ${neutralLine(incident.tenant, 60)}, risk ${Math.round(incident.risk)}, ${counted(incident.signalCount, 'signal')}`,
    )
    print(indented(neutralLine(incident.summary, 1_600)))
  }
}

function showDone({ actions }: Observed): void {
  heading('What was done')
  const all = [...actions.values()]
  const messages = all.filter((action) => typeof action.details?.['file'] === 'string')
  for (const action of all.filter((each) => !messages.includes(each))) {
    const what = neutralLine(`${action.playbook.id}: ${action.connector}.${action.action}`)
    print(`\n  ${what}  ${styled(action.state === 'verified' ? 'green' : 'bold', action.state)}`)
    print(indented(neutralLine(action.summary, 400), 4))
  }
  if (messages.length === 0) return
  print(`\n  Messages, kept as files in ${dirname(String(messages[0]!.details!['file']))}`)
  for (const [playbook, sent] of Map.groupBy(messages, (action) => action.playbook.id)) {
    const channels = [...Map.groupBy(sent, ({ connector }) => connector)]
    const told = channels.map(([channel, { length }]) => (length === 1 ? channel : `${length} to ${channel}`))
    print(`    ${neutralLine(`${playbook}: ${told.join(', ')}`)}`)
  }
}

function showNext({ url }: Door, observed: Observed): void {
  const { actions } = observed
  const waiting = [...actions.values()].find((action) => action.state === 'awaiting-approval')
  const [first] = standing(observed)
  const files = [...actions.values()].map((action) => action.details?.['file']).filter((file) => file !== undefined)
  heading('Look around (in another terminal)')
  const commands: (readonly [string, string])[] = [
    ['npx modelwarden incidents list', 'what is open'],
    [`npx modelwarden incidents show ${first?.id ?? '<id>'}`, 'its story, evidence and actions'],
    ...(waiting === undefined
      ? []
      : [[`npx modelwarden approve ${waiting.id}`, 'a final step that waits for a person'] as const]),
    ['npx modelwarden status', 'how the services are'],
    [`cat ${String(files[0] ?? 'the outbox')}`, 'a message as it would be sent'],
    [`curl -s ${url}/metrics | grep modelwarden_stage`, 'for Prometheus'],
  ]
  printTable(['COMMAND', 'SHOWS'], commands)
  print(`\nIt stays up until Ctrl-C. ${neutralLine(extractor.tenant)} keeps being refused.`)
}

/** Wrapped to the terminal's width. */
function indented(text: string, by = 2): string {
  const width = Math.max(40, Math.min(process.stdout.columns || 110, 120) - by)
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + word.length + 1 > width) {
      lines.push(line)
      line = ''
    }
    line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line].map((each) => ' '.repeat(by) + each).join('\n')
}
