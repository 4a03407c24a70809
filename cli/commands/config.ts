/** `modelwarden config`: is the configuration right, and what is in force. */
import type { Command } from 'commander'
import { configSchema } from '../../runtime/config/config-keys.ts'
import { configReference } from '../config-reference.ts'
import { print, printJson } from '../output.ts'
import { globalOptions, type GlobalOptions } from '../options.ts'
import { loadSettings } from '../settings.ts'

export function addConfigCommand(program: Command): void {
  const config = program.command('config').description('check and show the configuration')

  globalOptions(config.command('check'))
    .description('report every mistake in the configuration with file, line and column')
    .option('--json', 'print {ok, file} as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  modelwarden config check\n  modelwarden config check -c /etc/modelwarden/modelwarden.yml',
    )
    .action((options: GlobalOptions & { json?: true }) => {
      const { file } = loadSettings(options)
      if (options.json) printJson({ ok: true, file: file ?? null })
      else print(file === undefined ? 'No configuration file: the defaults are in force.' : `${file}: no mistakes.`)
    })

  globalOptions(config.command('show'))
    .description('print the configuration in force, defaults included, as JSON (secrets appear as references only)')
    .addHelpText('after', '\nExamples:\n  modelwarden config show\n  modelwarden config show | jq .http')
    .action((options: GlobalOptions) => {
      print(JSON.stringify(loadSettings(options).config, null, 2))
    })

  config
    .command('reference')
    .description('print every setting with its default and what it does, as Markdown')
    .addHelpText('after', '\nExamples:\n  modelwarden config reference | less')
    .action(() => {
      print(configReference())
    })

  config
    .command('schema')
    .description('print the JSON Schema of modelwarden.yml, for editors')
    .addHelpText('after', '\nExamples:\n  modelwarden config schema > modelwarden.schema.json')
    .action(() => {
      print(JSON.stringify(configSchema(), null, 2))
    })
}
