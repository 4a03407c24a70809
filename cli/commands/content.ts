/** `modelwarden content`: rules, playbooks and sources, checked, tested and published. */
import type { Command } from 'commander'
import { clientOptions, globalOptions, type ClientOptions, type GlobalOptions } from '../options.ts'
import { loadSettings } from '../settings.ts'

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

  clientOptions(content.command('rollback'))
    .description('bring an earlier version back into force; the one before is held until it is edited or published')
    .argument('<digest>', 'of the version, or its first 8 characters or more: see content history')
    .requiredOption('--reason <text>', 'why, for the record')
    .addHelpText('after', '\nExamples:\n  modelwarden content rollback 3f0c9a12 --reason "floods the queue since noon"')
    .action(async (digest: string, options: ClientOptions & { readonly reason: string }) => {
      const { rollBackTo } = await import('../content-versions.ts')
      await rollBackTo(digest, options.reason, options)
    })

  clientOptions(content.command('history'))
    .description('versions that were published, which are in force, and who went back to which')
    .addHelpText(
      'after',
      '\nExamples:\n  modelwarden content history\n  modelwarden content history --json | jq .rollbacks',
    )
    .action(async (options: ClientOptions) => {
      const { showHistory } = await import('../content-versions.ts')
      await showHistory(options)
    })
}
