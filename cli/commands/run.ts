/** `modelwarden run`: one or more services in this process. */
import { Argument, type Command } from 'commander'
import { serviceNames, type ServiceName } from '../service-names.ts'
import { globalOptions, type GlobalOptions } from '../options.ts'
import { loadSettings } from '../settings.ts'

export function addRunCommand(program: Command): void {
  globalOptions(program.command('run'))
    .description('run one or more services in this process; any number of copies may run on Kafka')
    .addArgument(new Argument('<service...>', 'which services').choices(serviceNames))
    .addHelpText(
      'after',
      '\nExamples:\n  modelwarden run detect --config /etc/modelwarden/modelwarden.yml\n' +
        '  modelwarden run collect normalize\n' +
        '  MODELWARDEN_HTTP__LISTEN=127.0.0.1:8472 modelwarden run authorize',
    )
    .action(async (names: ServiceName[], options: GlobalOptions) => {
      const services = serviceNames.filter((name) => names.includes(name))
      const { runServices } = await import('../run.ts')
      await runServices(loadSettings(options), services, services.includes('schedule'))
    })
}
