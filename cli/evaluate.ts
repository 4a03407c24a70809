/** Recorded traffic through detection: history to learn from, then each file as what may have followed it. */
import { createWriteStream, type WriteStream } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { once } from 'node:events'
import { SingleBar } from 'cli-progress'
import { counted } from '../core/counted.ts'
import type { ContentFile } from '../core/content.ts'
import { ContentInvalidError, describeError, type Mistake } from '../core/errors.ts'
import { readInventory } from '../engine/inventory/inventory.ts'
import { loadFolders } from '../runtime/content/content-files.ts'
import { collectFile } from '../services/collect/file.ts'
import { contentFolders } from './content-folders.ts'
import { evaluateKey, EvaluateRun, type Alert, type EvaluateContent } from './evaluate-run.ts'
import { inventoryOfContext } from './evaluate-context.ts'
import { CliError, exitCodes } from './exit.ts'
import { note, print } from './output.ts'
import type { GlobalOptions } from './options.ts'
import { loadSettings } from './settings.ts'

const source = 'gateway'
const trafficName = /\.jsonl(\.gz)?$/

export async function evaluate(
  dir: string,
  out: string,
  options: GlobalOptions & { readonly leaks?: string; readonly signals?: string },
): Promise<void> {
  const startedMs = performance.now()
  const files = await trafficIn(dir)
  const run = new EvaluateRun(await contentOf(dir, options))
  const alerts = await opened(out)
  const leaks = options.leaks === undefined ? undefined : await opened(options.leaks)
  const signals = options.signals === undefined ? undefined : await opened(options.signals)
  const counts: number[] = []
  const write = (found: readonly Alert[]): void => {
    counts.push(found.length)
    for (const alert of found) alerts.write(`${JSON.stringify(alert)}\n`)
    for (const leak of run.takeLeaks()) leaks?.write(`${JSON.stringify(leak)}\n`)
    for (const finding of run.takeFindings()) signals?.write(`${JSON.stringify(finding)}\n`)
  }
  const [history, rest] = [
    files.filter(({ name }) => name === 'history.jsonl'),
    files.filter(({ name }) => name !== 'history.jsonl'),
  ]
  for (const file of history) {
    await readInto(run, file)
    write(run.finish())
  }
  const learned = run.snapshot()
  for (const file of rest) {
    run.restore(learned)
    await readInto(run, file)
    write(run.finish(Infinity))
  }
  for (const stream of [alerts, leaks, signals]) {
    if (stream === undefined) continue
    stream.end()
    await once(stream, 'close')
  }
  if (run.deadLetters > 0) note(`${counted(run.deadLetters, 'record')} could not be read.`)
  const total = counts.reduce((sum, count) => sum + count, 0)
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1)
  print(
    `${counted(files.length, 'file')}, ${counted(run.records, 'record')}, ${counted(total, 'alert')}, ${seconds} s: ${out}`,
  )
}

async function opened(path: string): Promise<WriteStream> {
  const stream = createWriteStream(path)
  await once(stream, 'open').catch((cause: unknown) => {
    throw new CliError(exitCodes.usage, 'FILE_UNWRITABLE', `${path} can't be written: ${describeError(cause)}.`)
  })
  return stream
}

interface Traffic {
  readonly path: string
  /** Without `.gz`. */
  readonly name: string
}

async function trafficIn(dir: string): Promise<readonly Traffic[]> {
  const names = await readdir(dir).catch((cause: unknown) => {
    throw new CliError(exitCodes.usage, 'FOLDER_UNREADABLE', `${dir} can't be read: ${describeError(cause)}.`)
  })
  const byName = new Map<string, Traffic>()
  for (const file of names.filter((each) => trafficName.test(each)).sort()) {
    const name = file.replace(/\.gz$/, '')
    if (!byName.has(name)) byName.set(name, { path: join(dir, file), name })
  }
  if (byName.size > 0) return [...byName.values()]
  throw new CliError(exitCodes.usage, 'TRAFFIC_MISSING', `There is no .jsonl or .jsonl.gz file in ${dir}.`)
}

/** The content that is configured, and what the folder says is registered. */
async function contentOf(dir: string, options: GlobalOptions): Promise<EvaluateContent> {
  const loaded = loadSettings(options)
  const folders = contentFolders(loaded.config, loaded.folder)
  const mistakes: Mistake[] = []
  const read = async (set: keyof EvaluateContent): Promise<readonly ContentFile[]> => {
    const { files, mistakes: found } = await loadFolders(folders[set])
    mistakes.push(...found)
    return files
  }
  const [sources, rules, inventory] = [await read('sources'), await read('rules'), await read('inventory')]
  const path = join(dir, 'context.json')
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new CliError(exitCodes.usage, 'FILE_UNREADABLE', `${path} can't be read: ${describeError(error)}.`)
  })
  const registered = text === undefined ? inventory : [...inventory, ...inventoryOfContext(text, path)]
  mistakes.push(...readInventory(registered).mistakes)
  if (mistakes.length > 0) throw new ContentInvalidError(mistakes)
  return { sources, rules, inventory: registered }
}

async function readInto(run: EvaluateRun, { path, name }: Traffic): Promise<void> {
  run.begin(name)
  const bar = process.stderr.isTTY
    ? new SingleBar({ stream: process.stderr, format: '{bar} {percentage}% {name}', hideCursor: true })
    : undefined
  bar?.start(1, 0, { name })
  const result = await collectFile({
    path,
    sources: run.sources,
    source: run.sources.get(source)!,
    hmacKey: evaluateKey,
    sink: (records) => {
      run.take(records)
      return Promise.resolve()
    },
    onProgress: ({ bytesRead, bytesTotal }) => {
      bar?.setTotal(bytesTotal)
      bar?.update(bytesRead)
    },
    nowMs: () => 0,
  })
  bar?.update(result.bytesTotal)
  bar?.stop()
}
