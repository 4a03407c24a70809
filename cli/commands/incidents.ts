/** `modelwarden incidents`: what is open, what is behind it, and what people decide about it. */
import { Argument, Option, type Command } from 'commander'
import { counted } from '../../core/counted.ts'
import type { Action } from '../../core/action.ts'
import type { Decision } from '../../core/decision.ts'
import { verdicts, type Incident } from '../../core/incident.ts'
import { levels, type Signal } from '../../core/signal.ts'
import { neutralLine, neutralText } from '../../runtime/terminal-text.ts'
import { connect } from '../client.ts'
import { actionLine, decisionLine, entityLines, findingLines } from '../incident-story.ts'
import { print, printJson, styled } from '../output.ts'
import { clientOptions, type ClientOptions } from '../options.ts'
import { printTable, type Cell } from '../table.ts'

interface Page {
  readonly items: readonly Incident[]
  readonly next?: string
}

interface Whole {
  readonly incident: Incident
  readonly signals: readonly Signal[]
  readonly actions: readonly Action[]
  readonly decisions: readonly Decision[]
}

interface ListOptions extends ClientOptions {
  readonly status?: string
  readonly severity?: string
  readonly tenant?: string
  readonly assignee?: string
  readonly search?: string
  readonly limit?: string
  readonly after?: string
}

export function addIncidentsCommand(program: Command): void {
  const incidents = program.command('incidents').description('list, show and decide about incidents')
  addList(incidents)
  addShow(incidents)
  addDecisions(incidents)
}

function addList(incidents: Command): void {
  clientOptions(incidents.command('list'))
    .description('open and acknowledged incidents, the riskiest first')
    .option('--status <list>', 'open, acknowledged, closed, merged, retracted; or all', 'open,acknowledged')
    .addOption(new Option('--severity <list>', `one or more of ${levels.join(', ')}`))
    .option('--tenant <id>', 'of one tenant')
    .option('--assignee <name>', 'assigned to somebody')
    .option('--search <words>', 'words anywhere in the incident')
    .option('--limit <n>', 'how many at most', '50')
    .option('--after <cursor>', 'the next page: what the page before gave as next')
    .addHelpText(
      'after',
      '\nExamples:\n  modelwarden incidents list\n  modelwarden incidents list --severity high,critical --json\n' +
        '  modelwarden incidents list --status all --search "weights"',
    )
    .action(async (options: ListOptions) => {
      const page = await connect(options).get<Page>('/v1/incidents', {
        status: options.status === 'all' ? undefined : options.status,
        severity: options.severity,
        tenant: options.tenant,
        assignee: options.assignee,
        q: options.search,
        limit: options.limit,
        after: options.after,
        sort: 'risk:desc',
      })
      if (options.json) {
        printJson(page)
        return
      }
      if (page.items.length === 0) {
        print('No incidents.')
        return
      }
      printTable(['ID', 'SEVERITY', 'RISK', 'STATUS', 'LAST SEEN', 'TENANT', 'TITLE'], page.items.map(listed))
      if (page.next !== undefined) print(`\nMore with: --after ${neutralLine(page.next)}`)
    })
}

function listed(incident: Incident): readonly Cell[] {
  return [
    incident.id,
    { text: incident.severity, style: severityStyle(incident.severity) },
    Math.round(incident.risk),
    incident.status,
    incident.lastSeen.slice(0, 16).replace('T', ' '),
    neutralLine(incident.tenant, 24),
    neutralLine(incident.title, 90),
  ]
}

export function severityStyle(severity: string): 'red' | 'yellow' | 'gray' {
  if (severity === 'critical' || severity === 'high') return 'red'
  return severity === 'medium' ? 'yellow' : 'gray'
}

function addShow(incidents: Command): void {
  clientOptions(incidents.command('show'))
    .description('an incident’s story: findings, what was lost, what was done, what comes next')
    .argument('<id>', 'the incident')
    .addHelpText(
      'after',
      '\nExamples:\n  modelwarden incidents show 3c0b262af5fb8816e9fe1f10e23af3ef\n  modelwarden incidents show 3c0b… --json | jq .signals',
    )
    .action(async (id: string, options: ClientOptions) => {
      const whole = await connect(options).get<Whole>(`/v1/incidents/${encodeURIComponent(id)}`)
      if (options.json) printJson(whole)
      else printIncident(whole)
    })
}

function printIncident({ incident, signals, actions, decisions }: Whole): void {
  print(
    `${styled(severityStyle(incident.severity), incident.severity.toUpperCase())}  ${styled('bold', neutralLine(incident.title))}`,
  )
  const settled = incident.settled ? 'settled' : 'provisional: late records may still change it'
  const facts: (readonly [string, string])[] = [
    ['Incident', `${incident.id}, version ${incident.version}, ${incident.status}, ${settled}`],
    ['Tenant', incident.tenant],
    ['Time', `${incident.firstSeen} to ${incident.lastSeen}`],
    ['Risk', `${Math.round(incident.risk)} over ${counted(incident.signalCount, 'signal')}`],
    [
      'Techniques',
      incident.techniques.map(({ id, name }) => (name === undefined ? id : `${id} ${name}`)).join(', ') || 'none named',
    ],
    ...(incident.assignee === undefined ? [] : [['Assigned to', incident.assignee] as const]),
    ...(incident.verdict === undefined ? [] : [['Verdict', incident.verdict] as const]),
  ]
  for (const [name, value] of facts) print(`${name.padEnd(12)} ${neutralLine(value, 300)}`)
  section('What happened', [neutralText(incident.summary)])
  section('Who and what', entityLines(incident.entities))
  section('Findings', findingLines(signals))
  section('Actions', actions.map(actionLine))
  section('Decisions', decisions.map(decisionLine))
  section(
    'Notes',
    incident.notes.map(({ at, by, text }) => `${at}  ${neutralLine(by)}: ${neutralLine(text)}`),
  )
  section(
    'Look at this',
    incident.flags.map(({ code, message }) => `${code}: ${neutralLine(message)}`),
  )
  section(
    'Next',
    incident.next.map((step) => neutralLine(step)),
  )
  for (const { id, state } of actions)
    if (state === 'awaiting-approval') print(`\nWaits for approval: npx modelwarden approve ${id}`)
}

function section(title: string, lines: readonly string[]): void {
  if (lines.length === 0) return
  print(`\n${styled('bold', title)}`)
  for (const line of lines) print(`  ${line}`)
}

/** Commands that put a decision on record; it takes effect where it is obeyed, a moment later. */
function addDecisions(incidents: Command): void {
  const decide = async (options: ClientOptions, decision: Readonly<Record<string, unknown>>): Promise<void> => {
    const answer = await connect(options).post<{ decisionId: string }>('/v1/decisions', decision)
    if (options.json) printJson(answer)
    else print(`On record: ${String(decision['kind'])} (decision ${answer.decisionId}).`)
  }
  const command = (name: string, description: string, example: string): Command =>
    clientOptions(incidents.command(name))
      .description(description)
      .argument('<id>', 'the incident')
      .addHelpText('after', `\nExamples:\n  modelwarden incidents ${example}`)

  command('ack', 'acknowledge: somebody looks at it', 'ack 3c0b262af5fb8816e9fe1f10e23af3ef').action(
    (incidentId: string, options: ClientOptions) => decide(options, { kind: 'acknowledge', incidentId }),
  )
  command('assign', 'give it to somebody', 'assign 3c0b262af5fb8816e9fe1f10e23af3ef ana')
    .argument('<name>', 'who looks after it')
    .action((incidentId: string, assignee: string, options: ClientOptions) =>
      decide(options, { kind: 'assign', incidentId, assignee }),
    )
  command('note', 'write something down', 'note 3c0b262af5fb8816e9fe1f10e23af3ef "called the customer"')
    .argument('<text>', 'what to write down')
    .action((incidentId: string, text: string, options: ClientOptions) =>
      decide(options, { kind: 'note', incidentId, text }),
    )
  command(
    'close',
    'close it with a verdict',
    'close 3c0b262af5fb8816e9fe1f10e23af3ef --verdict true-positive --text "key revoked"',
  )
    .addOption(new Option('--verdict <verdict>', 'what it was').choices(verdicts).makeOptionMandatory())
    .option('--text <text>', 'why')
    .action((incidentId: string, options: ClientOptions & { verdict: string; text?: string }) =>
      decide(options, { kind: 'close', incidentId, verdict: options.verdict, text: options.text }),
    )
  command('reopen', 'open a closed one again', 'reopen 3c0b262af5fb8816e9fe1f10e23af3ef').action(
    (incidentId: string, options: ClientOptions) => decide(options, { kind: 'reopen', incidentId }),
  )
  command('unmerge', 'take apart again what was merged into it', 'unmerge 3c0b262af5fb8816e9fe1f10e23af3ef 9a1d…')
    .argument('<merged>', 'the incident that was merged into it')
    .action((incidentId: string, mergedId: string, options: ClientOptions) =>
      decide(options, { kind: 'unmerge', incidentId, mergedId }),
    )
  command('undo', 'take an action back', 'undo 3c0b262af5fb8816e9fe1f10e23af3ef bc3d7db56262d2b03163639dde56b4b8')
    .addArgument(new Argument('<action>', 'the action'))
    .action((incidentId: string, actionId: string, options: ClientOptions) =>
      decide(options, { kind: 'undo', incidentId, actionId }),
    )
}
