/** `modelwarden timeline`: what happened in an incident, in the order of event time, for the case file. */
import { Option, type Command } from 'commander'
import { counted } from '../../core/counted.ts'
import { neutralLine } from '../../runtime/terminal-text.ts'
import { connect } from '../client.ts'
import { note, print, printJson, styled } from '../output.ts'
import { clientOptions, type ClientOptions } from '../options.ts'
import { printTable } from '../table.ts'
import { timesketchOf, type Timeline, type TimelineRow } from '../timesketch.ts'

interface TimelineOptions extends ClientOptions {
  readonly ndjson?: true
  readonly timesketch?: true
}

export function addTimelineCommand(program: Command): void {
  clientOptions(program.command('timeline'))
    .description('evidence, findings, actions and decisions of an incident, in the order in which they happened')
    .argument('<incident>', 'the incident')
    .addOption(new Option('--ndjson', 'print each row as a line of JSON').conflicts(['json', 'timesketch']))
    .addOption(new Option('--timesketch', 'print lines of JSON that Timesketch imports').conflicts('json'))
    .addHelpText(
      'after',
      '\nExamples:\n  modelwarden timeline 3c0b262af5fb8816e9fe1f10e23af3ef\n' +
        '  modelwarden timeline 3c0b262af5fb8816e9fe1f10e23af3ef --timesketch > case.jsonl',
    )
    .action(async (id: string, options: TimelineOptions) => {
      const timeline = await connect(options).get<Timeline>(`/v1/incidents/${encodeURIComponent(id)}/timeline`)
      if (options.json) {
        printJson(timeline)
        return
      }
      if (options.ndjson) for (const row of timeline.rows) printJson(row)
      else if (options.timesketch) printTimesketch(timeline)
      else printTimeline(timeline)
      for (const { code, count, message } of timeline.omitted) {
        note(`Not here: ${count === undefined ? '' : `${count.toLocaleString('en-US')}: `}${message} (${code})`)
      }
    })
}

function printTimeline({ title, tenant, incidentId, rows }: Timeline): void {
  print(`${styled('bold', neutralLine(title, 200))}  (${neutralLine(incidentId, 100)}, ${neutralLine(tenant, 60)})\n`)
  const cells = rows.map((row) => [
    row.at,
    row.collectedAt ?? '',
    row.kind,
    neutralLine(row.what, 40),
    neutralLine(row.who ?? '', 50),
    neutralLine(`${row.summary}${proofOf(row)}`, 400),
  ])
  printTable(['HAPPENED', 'COLLECTED', 'KIND', 'WHAT', 'WHO', ''], cells)
}

/** Where the raw record is and what it must be, to be looked up and compared. */
function proofOf({ hash, position }: TimelineRow): string {
  if (hash === undefined || position === undefined) return ''
  return ` [${position.topic}/${position.partition}@${position.offset}.${position.index} sha256:${hash.slice(0, 16)}…]`
}

function printTimesketch(timeline: Timeline): void {
  const { lines, leftOut } = timesketchOf(timeline)
  for (const line of lines) printJson(line)
  for (const { id, reason } of leftOut) note(`Left out: ${neutralLine(id, 100)}: ${reason}`)
  note(`${counted(lines.length, 'row')} written, ${leftOut.length} left out.`)
}
