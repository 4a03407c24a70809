/** `modelwarden topics`: the bus's topics, made before the services start, and who may do what on them. */
import { type Command, InvalidArgumentError } from 'commander'
import { print, printJson } from '../output.ts'
import { printTable } from '../table.ts'
import { serviceNames, type ServiceName } from '../service-names.ts'
import { globalOptions, type GlobalOptions } from '../options.ts'
import { loadSettings } from '../settings.ts'
import { aclLines, aclsOf } from '../topic-access.ts'

type Options = GlobalOptions & { readonly json?: true }

export function addTopicsCommand(program: Command): void {
  const topics = program.command('topics').description('make the bus’s topics, and list who may do what on them')

  globalOptions(topics.command('create'))
    .description('make the topics that are missing, those of the stages’ state included')
    .option('--json', 'print the topics with their partitions as JSON')
    .addHelpText(
      'after',
      '\nServices make what is missing themselves where they may. Run this first where they may not.\n\n' +
        'Examples:\n  modelwarden topics create --config admin.yml',
    )
    .action(async (options: Options) => {
      const { createAllTopics } = await import('../topic-actions.ts')
      const made = await createAllTopics(loadSettings(options))
      if (options.json) printJson(made)
      else
        printTable(
          ['TOPIC', 'PARTITIONS', 'KEPT'],
          made.map(({ name, partitions, kept }) => [name, partitions, kept]),
        )
    })

  topics
    .command('acls')
    .description('print what each service may do on Kafka, for kafka-acls.sh or as JSON')
    .argument('[service...]', 'only these services', (name: string, before: readonly ServiceName[] | undefined) => [
      ...(before ?? []),
      serviceName(name),
    ])
    .option('--json', 'print [{user, resource, pattern, names, operations}] as JSON')
    .addHelpText(
      'after',
      '\nOne line of arguments for kafka-acls.sh a rule. The user of a service is named like the service.\n\n' +
        'Examples:\n  modelwarden topics acls\n  modelwarden topics acls detect --json\n' +
        '  modelwarden topics acls | while read -r line; do kafka-acls.sh --bootstrap-server kafka:9092 --add $line; done',
    )
    .action((services: readonly ServiceName[], options: { readonly json?: true }) => {
      const of = services.length === 0 ? serviceNames : services
      if (options.json) printJson(of.flatMap((name) => aclsOf(name)))
      else for (const name of of) for (const line of aclLines(name)) print(line)
    })
}

function serviceName(name: string): ServiceName {
  const found = serviceNames.find((each) => each === name)
  if (found === undefined)
    throw new InvalidArgumentError(`There is no service of that name. There are: ${serviceNames.join(', ')}.`)
  return found
}
