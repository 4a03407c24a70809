/** Files through the whole embedded pipeline, in a data folder of their own, until everything is worked off. */
import { stat } from 'node:fs/promises'
import { SingleBar } from 'cli-progress'
import { headers, topics } from '../core/topics.ts'
import { compileSources } from '../engine/sources/compile.ts'
import type { LoadedConfig } from '../runtime/config/config-load.ts'
import { onStopRequest } from '../runtime/shutdown.ts'
import { collectFile } from '../services/collect/file.ts'
import { requireValidContent } from './content-actions.ts'
import { compose, type Instance } from './compose.ts'
import { untilDrained } from './drain.ts'
import { CliError, exitCodes } from './exit.ts'
import { note, print, printJson } from './output.ts'
import { printTable } from './table.ts'
import { serviceNames } from './service-names.ts'
import type { GlobalOptions } from './options.ts'
import { loadSettings } from './settings.ts'

export interface ReplayOptions extends GlobalOptions {
  readonly source: string
  readonly json?: true
}

interface Summary {
  readonly records: number
  readonly events: number
  readonly deadLetters: number
  readonly signals: number
  readonly incidents: number
  readonly actions: number
  readonly elapsedMs: number
}

/** A replay takes nothing in by HTTP, answers nobody and has no clock. */
const leftOut: readonly string[] = ['collect', 'authorize', 'schedule', 'console']
export const replayFolder = '.modelwarden/replay'

export async function replay(files: readonly string[], options: ReplayOptions): Promise<void> {
  const startedMs = performance.now()
  await checkFiles(files)
  const loaded = replaySettings(loadSettings({ ...options, data: options.data ?? replayFolder }))
  // A set with mistakes never comes into force, and a file that is mended now is not read: waiting would be for ever.
  await requireValidContent(loaded)
  const services = serviceNames.filter((name) => !leftOut.includes(name))
  const instance = await compose({
    loaded,
    env: process.env,
    services,
    publishes: true,
    listens: false,
    ticking: () => false,
  })
  const request = onStopRequest(instance.log)
  try {
    const records = await readFiles(instance, files, options.source, request.signal)
    await endInput(instance)
    await untilDrained({ bus: instance.bus, services: instance.services, signal: request.signal })
    const summary = await summarize(instance, records, startedMs)
    if (options.json) printJson(summary)
    else printSummary(summary, instance.dataFolder)
  } finally {
    await instance.stop()
    request.dispose()
  }
}

async function checkFiles(files: readonly string[]): Promise<void> {
  for (const file of files) {
    const found = await stat(file).catch(() => undefined)
    if (found?.isFile() === true) continue
    throw new CliError(exitCodes.usage, 'FILE_UNREADABLE', `${file} is not a file that can be read.`)
  }
}

/** Embedded whatever the configuration says, and without a way to the outside. */
function replaySettings(loaded: LoadedConfig): LoadedConfig {
  const { config } = loaded
  return {
    ...loaded,
    config: {
      ...config,
      bus: { ...config.bus, kind: 'embedded' },
      content: { ...config.content, publish: true, watch: false },
      respond: { ...config.respond, enable: [], authorizeUrls: [] },
      connectors: {},
      log: { ...config.log, level: config.log.level === 'debug' ? 'debug' : 'warn' },
    },
  }
}

async function readFiles(
  instance: Instance,
  files: readonly string[],
  name: string,
  signal: AbortSignal,
): Promise<number> {
  const current = await instance.content.waitForCurrent('sources', signal)
  const { sources } = compileSources((await instance.content.bundle(current)).files)
  const source = sources.get(name)
  if (source === undefined) {
    throw new CliError(exitCodes.usage, 'SOURCE_UNKNOWN', `There is no source "${name}".`, {
      hint: `There are: ${[...sources.keys()].sort().join(', ')}.`,
    })
  }
  const { bus, hmacKey } = instance
  let records = 0
  for (const path of files) {
    const bar = progressBar(path)
    const result = await collectFile({
      path,
      sources,
      source,
      hmacKey,
      sink: (batch) => bus.publish(batch),
      onProgress: ({ bytesRead, bytesTotal }) => {
        bar?.setTotal(bytesTotal)
        bar?.update(bytesRead)
      },
      signal,
      nowMs: () => Date.now(),
    })
    bar?.update(result.bytesTotal)
    bar?.stop()
    records += result.accepted + result.rejected
    for (const { line, code, message } of result.rejections.slice(0, 10)) note(`${path}:${line}: ${code}: ${message}`)
    if (result.rejected > 10)
      note(`${path}: ${result.rejected - 10} more records were rejected; they are dead letters.`)
  }
  return records
}

function progressBar(path: string): SingleBar | undefined {
  if (!process.stderr.isTTY) return undefined
  const bar = new SingleBar({ stream: process.stderr, format: '{bar} {percentage}% {path}', hideCursor: true })
  bar.start(1, 0, { path })
  return bar
}

/** Nothing more will come: watermarks pass to the end, and what waited for them is decided. */
async function endInput({ bus }: Instance): Promise<void> {
  for (const topic of [topics.audit, topics.inference]) {
    const partitions = await bus.partitionCount(topic)
    const value = JSON.stringify({ control: 'end' })
    const records = Array.from({ length: partitions }, (_, partition) => {
      return { topic, partition, value, headers: { [headers.control]: 'end' } }
    })
    await bus.publish(records)
  }
}

async function summarize({ index }: Instance, records: number, startedMs: number): Promise<Summary> {
  await index!.refresh()
  return {
    records,
    events: await index!.count('events'),
    deadLetters: await index!.count('dead-letters'),
    signals: await index!.count('signals', { not: { field: 'status', is: 'retracted' } }),
    incidents: await index!.count('incidents', { not: { field: 'status', in: ['merged', 'retracted'] } }),
    actions: await index!.count('actions'),
    elapsedMs: Math.round(performance.now() - startedMs),
  }
}

function printSummary(summary: Summary, dataFolder: string): void {
  const { elapsedMs, ...counts } = summary
  printTable(['RECORDS', 'EVENTS', 'DEAD LETTERS', 'SIGNALS', 'INCIDENTS', 'ACTIONS'], [Object.values(counts)])
  print(`\n${(elapsedMs / 1_000).toFixed(1)} s. To look around: npx modelwarden up --data ${dataFolder}`)
}
