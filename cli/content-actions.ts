/** What `modelwarden content` does: checks, runs cases, publishes. */
import { counted } from '../core/counted.ts'
import { ContentInvalidError, formatPlace } from '../core/errors.ts'
import type { Bus } from '../core/ports/bus.ts'
import { systemClock } from '../core/ports/clock.ts'
import { topicSpecs } from '../core/topics.ts'
import type { LoadedConfig } from '../runtime/config/config-load.ts'
import { checkContent, ContentPublisher, contentSets, type Published } from '../runtime/content/content-publisher.ts'
import { sealedBus } from '../runtime/control-seal.ts'
import { followContent, type FollowedContent } from '../runtime/content/content-reader.ts'
import { agreeOnKey } from '../runtime/installation-key.ts'
import type { Log } from '../runtime/log.ts'
import { createLog } from '../runtime/logger.ts'
import { Redactor } from '../runtime/redact.ts'
import { Secrets } from '../runtime/config/secrets.ts'
import { silentTelemetry } from '../runtime/telemetry.ts'
import { neutralLine } from '../runtime/terminal-text.ts'
import { openAdapters } from './adapters.ts'
import { contentChecks, runCases, type ContentCase } from './content.ts'
import { contentFolders } from './content-folders.ts'
import { CliError, exitCodes } from './exit.ts'
import { readHmacKey } from './hmac-key.ts'
import { print, printJson, styled } from './output.ts'
import { dataFolderOf } from './settings.ts'
import { printTable } from './table.ts'

/** Throws ContentInvalidError with every mistake. */
export async function checkAll(loaded: LoadedConfig, json: boolean): Promise<void> {
  const checked = await checkSets(loaded)
  const mistakes = checked.flatMap((each) => each.mistakes)
  if (json) {
    printJson(checked.map((each) => ({ ...each, files: each.files.length })))
  } else if (mistakes.length === 0) {
    const rows = checked.map(({ set, files, digest }) => [set, files.length, digest.slice(0, 12)])
    printTable(['SET', 'FILES', 'DIGEST'], rows)
    print('No mistakes.')
  }
  if (mistakes.length > 0) throw new ContentInvalidError(mistakes)
}

/** Throws ContentInvalidError with every mistake, for who can't go on with what was in force before. */
export async function requireValidContent(loaded: LoadedConfig): Promise<void> {
  const mistakes = (await checkSets(loaded)).flatMap((each) => each.mistakes)
  if (mistakes.length > 0) throw new ContentInvalidError(mistakes)
}

async function checkSets({ config, folder }: LoadedConfig) {
  const folders = contentFolders(config, folder)
  const checks = contentChecks()
  const checked = []
  for (const set of contentSets) checked.push(await checkContent(set, folders, checks))
  return checked
}

export async function testAll({ config, folder }: LoadedConfig, json: boolean): Promise<void> {
  const { cases, mistakes } = await runCases(contentFolders(config, folder))
  const failed = cases.filter((one) => one.differences.length > 0)
  if (json) printJson({ passed: cases.length - failed.length, failed: failed.length, cases, mistakes })
  else printCases(cases, failed)
  if (mistakes.length > 0) throw new ContentInvalidError(mistakes)
  if (failed.length > 0) {
    throw new CliError(
      exitCodes.failure,
      'CASES_FAILED',
      `${failed.length} of ${counted(cases.length, 'case')} failed.`,
    )
  }
}

export async function publishAll(loaded: LoadedConfig, json: boolean): Promise<void> {
  const published = await publishOnce(loaded)
  if (json) printJson(published)
  else {
    const rows = published.map(({ set, outcome, files, digest }) => [set, outcome, files, digest.slice(0, 12)])
    printTable(['SET', 'OUTCOME', 'FILES', 'DIGEST'], rows)
  }
  const mistakes = published.flatMap((each) => each.mistakes)
  if (mistakes.length > 0) throw new ContentInvalidError(mistakes)
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
  return await withContent(loaded, async ({ bus, content, log }) => {
    const publisher = new ContentPublisher({
      bus,
      content,
      folders: contentFolders(loaded.config, loaded.folder),
      checks: contentChecks(),
      log,
      telemetry: silentTelemetry,
    })
    return await publisher.publishAll(true)
  })
}

/** Opens the bus, and what of content stands on it, for one deed. */
export async function withContent<T>(
  loaded: LoadedConfig,
  deed: (open: { readonly bus: Bus; readonly content: FollowedContent; readonly log: Log }) => Promise<T>,
): Promise<T> {
  const redactor = new Redactor()
  const log = createLog({ ...loaded.config.log, level: 'warn', redactor })
  const secrets = new Secrets({ env: process.env, folder: loaded.folder, redactor, log })
  const dataFolder = dataFolderOf(loaded)
  const { config, folder } = loaded
  const hmacKey = readHmacKey(config, dataFolder, secrets, redactor)
  const adapters = await openAdapters({ config, folder, dataFolder, secrets, log, index: false })
  const bus = sealedBus(adapters.bus, hmacKey, systemClock)
  try {
    await bus.createTopics(topicSpecs(config.bus.partitions))
    const content = await followContent(bus, log, silentTelemetry)
    await agreeOnKey({ bus, content, hmacKey, replaces: config.hmacKeyReplaces, publishes: true, log })
    const done = await deed({ bus, content, log })
    await content.stop()
    return done
  } finally {
    await adapters.close()
  }
}
