/** `modelwarden content`: rules, playbooks and sources, checked, tested and published. */
import type { Command } from 'commander'
import { globalOptions, loadSettings, type GlobalOptions } from '../settings.ts'

type Options = GlobalOptions & { readonly json?: true }

export function addContentCommand(program: Command): void {
  const content = program.command('content').description('check, test and publish rules, playbooks and sources')

  globalOptions(content.command('check'))
    .description('report every mistake in the content folders with file, line and column')
    .option('--json', 'print the sets with their digests and mistakes as JSON')
    .addHelpText('after', '\nExamples:\n  modelwarden content check\n  modelwarden content check --json')
    .action(async (options: Options) => {
      const { checkAll } = await import('../content-actions.ts')
      await checkAll(loadSettings(options), options.json ?? false)
    })

  globalOptions(content.command('test'))
    .description('run the cases that stand beside the content files (*.cases.yml)')
    .option('--json', 'print {passed, failed, cases} as JSON')
    .addHelpText('after', '\nExamples:\n  modelwarden content test\n  modelwarden content test --config my.yml --json')
    .action(async (options: Options) => {
      const { testAll } = await import('../content-actions.ts')
      await testAll(loadSettings(options), options.json ?? false)
    })

  globalOptions(content.command('publish'))
    .description('bring the content folders into force in every copy (a live embedded instance publishes by itself)')
    .option('--json', 'print what was published as JSON')
    .addHelpText('after', '\nExamples:\n  modelwarden content publish --config /etc/modelwarden/modelwarden.yml')
    .action(async (options: Options) => {
      const { publishAll } = await import('../content-actions.ts')
      await publishAll(loadSettings(options), options.json ?? false)
    })
}
