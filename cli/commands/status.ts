/** `modelwarden status`: how an instance is, and what waits. */
import type { Command } from 'commander'
import type { Health } from '../../runtime/service.ts'
import { neutralLine } from '../../runtime/terminal-text.ts'
import { connect } from '../client.ts'
import { CliError, exitCodes } from '../exit.ts'
import { print, printJson, styled } from '../output.ts'
import { clientOptions, type ClientOptions } from '../options.ts'
import { printTable } from '../table.ts'

interface Part {
  readonly kind: string
  readonly ok: boolean
  readonly problem?: string
}

/** What `/v1/status` answers. */
export interface Status {
  readonly services: Readonly<Record<string, Health>>
  readonly bus: Part
  readonly index: Part
  readonly lag: readonly { readonly stage: string; readonly topic: string; readonly records: number }[] | null
  readonly watermarks: readonly { readonly stage: string; readonly at: string | null; readonly ended: boolean }[]
  readonly eventsLastHour: Readonly<Record<string, number>> | null
  readonly openIncidents: Readonly<Record<string, number>> | null
  readonly deadLetters: Readonly<Record<string, number>> | null
  readonly content: {
    readonly inForce: Readonly<Record<string, string | null>>
    readonly mistakes: readonly { readonly set: string; readonly mistakes: readonly { readonly text: string }[] }[]
  }
}

const healthStyles = { ready: 'green', starting: 'yellow', degraded: 'yellow', failed: 'red' } as const

export function addStatusCommand(program: Command): void {
  clientOptions(program.command('status'))
    .description('how the services are, what waits, what is in force; exit code 1 where something is not well')
    .addHelpText(
      'after',
      '\nExamples:\n  modelwarden status\n  modelwarden status --json | jq .lag\n  modelwarden status --url http://10.0.0.5:8471',
    )
    .action(async (options: ClientOptions) => {
      const client = connect(options)
      const status = await client.get<Status>('/v1/status')
      if (options.json) printJson(status)
      else printStatus(client.url, status)
      const unwell = Object.entries(status.services).filter(
        ([, { state }]) => state === 'failed' || state === 'degraded',
      )
      const broken = unwell.length > 0 || !status.bus.ok || !status.index.ok || status.content.mistakes.length > 0
      if (broken) throw new CliError(exitCodes.failure, 'UNWELL', 'Something is not well; see above.')
    })
}

function printStatus(url: string, status: Status): void {
  print(`${url}  bus ${partText(status.bus)}, index ${partText(status.index)}\n`)
  const waiting = new Map<string, number>()
  for (const { stage, records } of status.lag ?? []) waiting.set(stage, (waiting.get(stage) ?? 0) + records)
  const rows = Object.entries(status.services).map(([name, { state, summary }]) => {
    return [name, { text: state, style: healthStyles[state] }, neutralLine(summary, 80)]
  })
  printTable(['SERVICE', 'STATE', ''], rows)
  const behind = [...waiting].filter(([, records]) => records > 0)
  print(
    `\nWaiting: ${behind.length === 0 ? 'nothing' : behind.map(([stage, n]) => `${stage} ${n.toLocaleString('en-US')}`).join(', ')}`,
  )
  const reached = status.watermarks.filter(({ at }) => at !== null)
  for (const { stage, at } of reached) print(`Event time complete at ${stage}: ${at!}`)
  print(`Events of the last hour: ${counts(status.eventsLastHour)}`)
  print(`Open incidents: ${counts(status.openIncidents)}`)
  print(`Dead letters: ${counts(status.deadLetters)}`)
  const inForce = Object.entries(status.content.inForce).map(
    ([set, digest]) => `${set} ${digest?.slice(0, 12) ?? 'none'}`,
  )
  print(`Content in force: ${inForce.join(', ')}`)
  for (const { set, mistakes } of status.content.mistakes) {
    const until =
      (status.content.inForce[set] ?? null) === null
        ? 'none are in force until they are mended'
        : 'what was in force before stays in force'
    print(styled('red', `\nMistakes in ${set}; ${until}:`))
    for (const { text } of mistakes) print(`  ${neutralLine(text)}`)
  }
}

function partText({ kind, ok, problem }: Part): string {
  return ok ? kind : `${kind} (${neutralLine(problem ?? 'does not answer', 100)})`
}

function counts(byName: Readonly<Record<string, number>> | null): string {
  if (byName === null) return 'unknown'
  const entries = Object.entries(byName)
  return entries.length === 0
    ? 'none'
    : entries.map(([name, count]) => `${neutralLine(name, 40)} ${count.toLocaleString('en-US')}`).join(', ')
}
