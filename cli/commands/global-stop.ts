/** `modelwarden global-stop`: holds every action of every playbook, and lets them go again. */
import { Argument, type Command } from 'commander'
import type { Decision } from '../../core/decision.ts'
import { neutralLine } from '../../runtime/terminal-text.ts'
import { connect } from '../client.ts'
import { print, printJson } from '../output.ts'
import { clientOptions, type ClientOptions } from '../options.ts'

export function addGlobalStopCommand(program: Command): void {
  clientOptions(program.command('global-stop'))
    .description('hold every action of every playbook, or let them go again; without a word, say how it stands')
    .addArgument(new Argument('[state]', 'hold them, or let them go').choices(['on', 'off']))
    .addHelpText(
      'after',
      '\nWhat is under way ends; what is held waits, for a day at most. It takes the role responder.\n' +
        '\nExamples:\n  modelwarden global-stop on\n  modelwarden global-stop\n  modelwarden global-stop off',
    )
    .action(async (state: 'on' | 'off' | undefined, options: ClientOptions) => {
      const client = connect(options)
      if (state !== undefined) {
        const answer = await client.post<{ decisionId: string }>('/v1/decisions', {
          kind: 'global-stop',
          stopped: state === 'on',
        })
        if (options.json) printJson(answer)
        else
          print(
            `On record: ${state === 'on' ? 'playbooks are held' : 'playbooks act again'} (decision ${answer.decisionId}).`,
          )
        return
      }
      const query = { kind: 'global-stop', limit: '1' }
      const { items } = await client.get<{ items: readonly Decision[] }>('/v1/decisions', query)
      const [last] = items
      const stopped = last?.kind === 'global-stop' && last.stopped
      if (options.json) printJson({ stopped, decision: last ?? null })
      else if (last === undefined) print('off: playbooks act.')
      else
        print(
          neutralLine(`${stopped ? 'on: playbooks are held' : 'off: playbooks act'}, by ${last.by} since ${last.at}.`),
        )
    })
}
