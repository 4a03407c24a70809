/** `modelwarden content`: rules, playbooks and sources, checked, tested and published. */
import type { Command } from 'commander'
import { ContentInvalidError, formatPlace } from '../../core/errors.ts'
import { topicSpecs } from '../../core/topics.ts'
import type { LoadedConfig } from '../../runtime/config-load.ts'
import { checkContent, ContentPublisher, contentSets, type Published } from '../../runtime/content-publisher.ts'
import { followContent } from '../../runtime/content-reader.ts'
import { createLog } from '../../runtime/logger.ts'
import { Redactor } from '../../runtime/redact.ts'
import { Secrets } from '../../runtime/secrets.ts'
import { silentTelemetry } from '../../runtime/telemetry.ts'
import { neutralLine } from '../../runtime/terminal-text.ts'
import { openAdapters } from '../adapters.ts'
import { contentChecks, contentFolders, runCases, type ContentCase } from '../content.ts'
import { CliError, exitCodes } from '../exit.ts'
import { print, printJson, printTable, styled } from '../output.ts'
import { dataFolderOf, globalOptions, loadSettings, type GlobalOptions } from '../settings.ts'

export function addContentCommand(program: Command): void {
  const content = program.command('content').description('check, test and publish rules, playbooks and sources')

  globalOptions(content.command('check'))
    .description('report every mistake in the content folders with file, line and column')
    .option('--json', 'print the sets with their digests and mistakes as JSON')
    .addHelpText('after', '\nExamples:\n  modelwarden content check\n  modelwarden content check --json')
    .action(async (options: GlobalOptions & { json?: true }) => {
      const { config, folder } = loadSettings(options)
      const folders = contentFolders(config, folder)
      const checked = []
      for (const set of contentSets) checked.push(await checkContent(set, folders, contentChecks()))
      const mistakes = checked.flatMap((each) => each.mistakes)
      if (options.json) {
        printJson(checked.map(({ set, digest, files, mistakes }) => ({ set, digest, files: files.length, mistakes })))
      } else if (mistakes.length === 0) {
        printTable(
          ['SET', 'FILES', 'DIGEST'],
          checked.map(({ set, files, digest }) => [set, files.length, digest.slice(0, 12)]),
        )
        print('No mistakes.')
      }
      if (mistakes.length > 0) throw new ContentInvalidError(mistakes)
    })

  globalOptions(content.command('test'))
    .description('run the cases that stand beside the content files (*.cases.yml)')
    .option('--json', 'print {passed, failed, cases} as JSON')
    .addHelpText('after', '\nExamples:\n  modelwarden content test\n  modelwarden content test --config my.yml --json')
    .action(async (options: GlobalOptions & { json?: true }) => {
      const { config, folder } = loadSettings(options)
      const { cases, mistakes } = await runCases(contentFolders(config, folder))
      const failed = cases.filter((one) => one.differences.length > 0)
      if (options.json) printJson({ passed: cases.length - failed.length, failed: failed.length, cases, mistakes })
      else printCases(cases, failed)
      if (mistakes.length > 0) throw new ContentInvalidError(mistakes)
      if (failed.length > 0) {
        throw new CliError(exitCodes.failure, 'CASES_FAILED', `${failed.length} of ${cases.length} cases failed.`)
      }
    })

  globalOptions(content.command('publish'))
    .description(
      'bring the content folders into force in every copy (on Kafka; an embedded instance publishes by itself)',
    )
    .option('--json', 'print what was published as JSON')
    .addHelpText('after', '\nExamples:\n  modelwarden content publish --config /etc/modelwarden/modelwarden.yml')
    .action(async (options: GlobalOptions & { json?: true }) => {
      const published = await publishOnce(loadSettings(options))
      if (options.json) printJson(published)
      else {
        const rows = published.map(({ set, outcome, files, digest }) => [set, outcome, files, digest.slice(0, 12)])
        printTable(['SET', 'OUTCOME', 'FILES', 'DIGEST'], rows)
      }
      const mistakes = published.flatMap((each) => each.mistakes)
      if (mistakes.length > 0) throw new ContentInvalidError(mistakes)
    })
}

function printCases(cases: readonly ContentCase[], failed: readonly ContentCase[]): void {
  for (const { place, about, name, differences } of failed) {
    print(`${styled('red', 'failed')}  ${neutralLine(`${formatPlace(place)}: ${about}: ${name}`)}`)
    for (const difference of differences) print(`          ${neutralLine(difference)}`)
  }
  const rows = contentSets.map((set) => {
    const own = cases.filter((one) => one.set === set)
    return [set, own.length, own.filter((one) => one.differences.length > 0).length]
  })
  printTable(['SET', 'CASES', 'FAILED'], rows)
}

async function publishOnce(loaded: LoadedConfig): Promise<readonly Published[]> {
  const redactor = new Redactor()
  const log = createLog({ ...loaded.config.log, level: 'warn', redactor })
  const secrets = new Secrets({ env: process.env, folder: loaded.folder, redactor, log })
  const dataFolder = dataFolderOf(loaded)
  const { config, folder } = loaded
  const adapters = await openAdapters({ config, folder, dataFolder, secrets, log, index: false })
  try {
    await adapters.bus.createTopics(topicSpecs(config.bus.partitions))
    const content = await followContent(adapters.bus, log, silentTelemetry)
    const publisher = new ContentPublisher({
      bus: adapters.bus,
      content,
      folders: contentFolders(config, folder),
      checks: contentChecks(),
      log,
      telemetry: silentTelemetry,
    })
    const published = await publisher.publishAll()
    await content.stop()
    return published
  } finally {
    await adapters.close()
  }
}
