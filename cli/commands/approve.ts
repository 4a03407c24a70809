/** `modelwarden approve`: says yes or no to exactly the action that was shown. */
import { createInterface } from 'node:readline/promises'
import type { Command } from 'commander'
import type { Action } from '../../core/action.ts'
import { neutralLine } from '../../runtime/terminal-text.ts'
import { connect } from '../client.ts'
import { CliError, exitCodes } from '../exit.ts'
import { note, print, printJson } from '../output.ts'
import { clientOptions, type ClientOptions } from '../options.ts'
import { printTable } from '../table.ts'

interface ApproveOptions extends ClientOptions {
  readonly refuse?: true
  readonly text?: string
  readonly yes?: true
}

export function addApproveCommand(program: Command): void {
  clientOptions(program.command('approve'))
    .description('approve (or refuse) an action that waits for a person; without an action, list those that do')
    .argument('[action]', 'the action')
    .option('--refuse', 'say no')
    .option('--text <text>', 'why')
    .option('-y, --yes', 'do not ask again')
    .addHelpText(
      'after',
      '\nThe approval is bound to what the action is when you see it: should it change, the approval is void.\n' +
        '\nExamples:\n  modelwarden approve\n  modelwarden approve 7372147a848508507851089c488665ef\n' +
        '  modelwarden approve 7372147a848508507851089c488665ef --refuse --text "planned migration"',
    )
    .action(async (id: string | undefined, options: ApproveOptions) => {
      const client = connect(options)
      if (id === undefined) {
        const { items } = await client.get<{ items: readonly Action[] }>('/v1/actions', { state: 'awaiting-approval' })
        listWaiting(items, options)
        return
      }
      const action = await client.get<Action>(`/v1/actions/${encodeURIComponent(id)}`)
      note(`${action.connector}.${action.action} on ${neutralLine(action.target)}: ${neutralLine(action.summary)}`)
      note(
        `Incident ${action.incidentId}, playbook ${action.playbook.id}; ${JSON.stringify(action.args).slice(0, 1_000)}`,
      )
      if (!(options.yes ?? false)) await confirm(options.refuse === true ? 'Refuse it?' : 'Approve it?')
      const answer = await client.post('/v1/decisions', {
        kind: 'approval',
        incidentId: action.incidentId,
        actionId: action.id,
        digest: action.digest,
        approved: options.refuse !== true,
        text: options.text,
      })
      if (options.json) printJson(answer)
      else print(options.refuse === true ? 'Refused: on record.' : 'Approved: on record.')
    })
}

function listWaiting(items: readonly Action[], options: ApproveOptions): void {
  if (options.json) printJson({ items })
  else if (items.length === 0) print('Nothing waits for approval.')
  else {
    const rows = items.map(({ id, connector, action, target, approval, incidentId }) => {
      return [id, `${connector}.${action}`, target, approval?.role ?? '', approval?.expiresAt ?? '', incidentId]
    })
    printTable(['ACTION', 'WHAT', 'ON', 'ROLE', 'EXPIRES', 'INCIDENT'], rows)
  }
}

/** Where nobody can be asked, nothing is approved. */
async function confirm(question: string): Promise<void> {
  if (!process.stdin.isTTY) {
    throw new CliError(exitCodes.usage, 'NOT_CONFIRMED', 'There is no terminal to ask at.', { hint: 'Add --yes.' })
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await terminal.question(`${question} [y/N] `)
    if (!/^y(es)?$/i.test(answer.trim())) throw new CliError(exitCodes.failure, 'NOT_CONFIRMED', 'Left as it is.')
  } finally {
    terminal.close()
  }
}
