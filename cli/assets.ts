/**
 * What `modelwarden assets` does: registers the files of a model, a release or a data set, and asks of a found file whether it
 * is one of them.
 *
 * Two things come of registering: files of the inventory (sizes, digests, the filter of training records), which detectors know
 * once they are published, and the fingerprint of the release in the data folder, which only `fingerprint` reads.
 */
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, stat, writeFile, type FileHandle } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createInterface } from 'node:readline'
import { SingleBar } from 'cli-progress'
import { z } from 'zod'
import { counted } from '../core/counted.ts'
import type { Asset } from '../core/asset.ts'
import { describeError } from '../core/errors.ts'
import { sha256Hex } from '../core/ids.ts'
import type { InventoryFile } from '../core/inventory.ts'
import { buildRecordFilters } from '../core/record-filter.ts'
import { compare, strongest, type Comparison } from '../engine/fingerprint/compare.ts'
import { FilePrint, fingerprint } from '../engine/fingerprint/fingerprint.ts'
import type { ByteSource } from '../engine/fingerprint/bytes.ts'
import type { LoadedConfig } from '../runtime/config-load.ts'
import { CliError, exitCodes } from './exit.ts'
import { note, print, printJson } from './output.ts'
import { dataFolderOf } from './settings.ts'
import { printTable } from './table.ts'

/** Artifacts in one file of the inventory: its text stays below the limit of a content file. */
const artifactsPerFileMax = 1_500
const recordsMax = 5_000_000
const registryFileBytesMax = 200_000_000

export interface RegisterOptions {
  readonly release: string
  readonly kind: 'model' | 'training-data' | 'code'
  readonly name?: string
  readonly tenant: string
  readonly uri?: string
  readonly records?: string
  readonly json?: true
}

const RegisteredPrint = z.strictObject({
  version: z.literal(1),
  asset: z.string(),
  release: z.string(),
  files: z.array(FilePrint),
})
type RegisteredPrint = z.infer<typeof RegisteredPrint>

export async function register(
  id: string,
  files: readonly string[],
  options: RegisterOptions,
  loaded: LoadedConfig,
): Promise<void> {
  if (files.length === 0 && options.records === undefined) {
    throw new CliError(exitCodes.usage, 'NOTHING_TO_REGISTER', 'Name the files of the release, or its --records.')
  }
  const prints: FilePrint[] = []
  for (const path of files) prints.push(await printOf(path))
  const artifacts = prints.map(({ bytes, sha256 }, n) => ({ uri: uriOf(files[n]!, options.uri), bytes, sha256 }))
  const hashes = options.records === undefined ? [] : await readHashes(options.records)
  const folder = inventoryFolder(loaded)
  const stem = fileNameOf(id, options.release)
  const parts = inventoryParts(id, options, artifacts, hashes)
  await mkdir(folder, { recursive: true })
  for (const [n, part] of parts.entries()) await store(join(folder, `${stem}-${n}.yml`), JSON.stringify(part))
  const registry = join(dataFolderOf(loaded), 'assets')
  await mkdir(registry, { recursive: true })
  const registered: RegisteredPrint = { version: 1, asset: id, release: options.release, files: prints }
  await store(join(registry, `${stem}.json`), JSON.stringify(registered))
  const tensors = prints.reduce((sum, { tensors: of }) => sum + of.length, 0)
  const bytes = prints.reduce((sum, print_) => sum + print_.bytes, 0)
  if (options.json) {
    printJson({
      asset: id,
      release: options.release,
      files: artifacts,
      bytes,
      tensors,
      records: hashes.length,
      inventory: folder,
      registry,
    })
    return
  }
  print(
    `${id} ${options.release}: ${prints.length} files, ${bytes} bytes, ${tensors} tensors, ${hashes.length} training records.`,
  )
  print(`Inventory: ${counted(parts.length, 'file')} in ${folder}. Fingerprint: ${join(registry, `${stem}.json`)}`)
  if (loaded.config.content.inventory.length === 0) {
    note(`Add ${folder} to content.inventory, so that detectors know of it.`)
  }
}

export interface FingerprintOptions {
  readonly registry?: string
  readonly json?: true
}

export async function fingerprintFile(path: string, options: FingerprintOptions, loaded: LoadedConfig): Promise<void> {
  const registry = options.registry ?? join(dataFolderOf(loaded), 'assets')
  const registered = await readRegistry(registry)
  const found = await printOf(path)
  const all = registered.flatMap(({ asset, release, files }) =>
    files.map((file) => ({ asset, release, file: file.name, comparison: compare(file, found) })),
  )
  const best = strongest(all)
  const matches = all.filter(({ comparison }) => comparison.verdict !== 'unrelated')
  const verdict = best?.comparison.verdict ?? 'unrelated'
  if (options.json) {
    const { name: file, bytes, sha256, format, tensors } = found
    printJson({ verdict, file, bytes, sha256, format, tensors: tensors.length, compared: all.length, matches })
    return
  }
  print(
    `${found.name}: ${found.bytes} bytes, ${found.format}, ${found.tensors.length} tensors, SHA-256 ${found.sha256}`,
  )
  if (best === undefined || verdict === 'unrelated') {
    print(`No relation to any of ${all.length} registered files was found.`)
    print(blindSpots)
    return
  }
  print(`It ${inWords(best.comparison)} ${best.asset} ${best.release} (${best.file}).`)
  printTable(
    ['asset', 'release', 'file', 'verdict', 'equal', 'near', 'tensors'],
    matches
      .slice(0, 50)
      .map(({ asset, release, file, comparison }) => [
        asset,
        release,
        file,
        comparison.verdict,
        percent(comparison.equalShare),
        percent(comparison.nearShare),
        `${comparison.equalTensors + comparison.nearTensors}/${comparison.tellingTensors}`,
      ]),
  )
  print(blindSpots)
}

const blindSpots =
  'Not seen: tensors that were split, merged, transposed or reordered within, quantized copies of unquantized ones, pruned and ' +
  'distilled models, data kept in files beside an ONNX file.'

function inWords({ verdict, equalShare, nearShare }: Comparison): string {
  const share = `${percent(equalShare)} of its numbers equal, ${percent(nearShare)} near`
  switch (verdict) {
    case 'identical':
      return 'is, byte for byte,'
    case 'contains':
      return `contains (${share})`
    case 'derives':
      return `derives from (${share})`
    case 'shares-tensors':
      return `shares tensors with (${share})`
    case 'unrelated':
      return 'is not related to'
  }
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}

async function printOf(path: string): Promise<FilePrint> {
  const handle = await open(path, 'r').catch((cause: unknown) => {
    throw new CliError(exitCodes.usage, 'FILE_UNREADABLE', `${path} can't be read: ${describeError(cause)}.`)
  })
  try {
    const found = await handle.stat()
    if (!found.isFile()) throw new CliError(exitCodes.usage, 'FILE_UNREADABLE', `${path} is not a file.`)
    const bar = progressBar(path, 2 * found.size)
    const made = await fingerprint(sourceOf(handle, found.size), basename(path), (bytes) => bar?.increment(bytes))
    bar?.stop()
    return made
  } finally {
    await handle.close()
  }
}

function sourceOf(handle: FileHandle, size: number): ByteSource {
  return {
    size,
    read: async (offset, length) => {
      const bytes = Buffer.alloc(length)
      for (let at = 0; at < length;) {
        const { bytesRead } = await handle.read(bytes, at, length - at, offset + at)
        if (bytesRead === 0)
          throw new CliError(exitCodes.failure, 'FILE_CHANGED', 'The file became shorter while it was read.')
        at += bytesRead
      }
      return bytes
    },
  }
}

function progressBar(path: string, total: number): SingleBar | undefined {
  if (!process.stderr.isTTY || total < 50_000_000) return undefined
  const bar = new SingleBar({ stream: process.stderr, format: '{bar} {percentage}% {path}', hideCursor: true })
  bar.start(total, 0, { path })
  return bar
}

function inventoryFolder(loaded: LoadedConfig): string {
  const configured = loaded.config.content.inventory[0]
  return configured === undefined ? join(dataFolderOf(loaded), 'inventory') : resolve(loaded.folder, configured)
}

function inventoryParts(
  id: string,
  options: RegisterOptions,
  artifacts: Asset['releases'][number]['artifacts'],
  hashes: readonly string[],
): InventoryFile[] {
  const parts: InventoryFile[] = []
  for (let at = 0; at < artifacts.length; at += artifactsPerFileMax) {
    const release = { version: options.release, artifacts: artifacts.slice(at, at + artifactsPerFileMax) }
    const locations = options.uri === undefined ? [] : [options.uri]
    const asset: Asset = {
      id,
      tenant: options.tenant,
      kind: options.kind,
      name: options.name ?? id,
      locations,
      releases: [release],
    }
    parts.push({ assets: [asset] })
  }
  for (const filter of buildRecordFilters(hashes)) parts.push({ models: [{ id, trainingRecords: [filter] }] })
  return parts
}

/** A hash a line, or JSON objects that have an `inputHash`. */
async function readHashes(path: string): Promise<string[]> {
  const found = await stat(path).catch(() => undefined)
  if (found?.isFile() !== true)
    throw new CliError(exitCodes.usage, 'FILE_UNREADABLE', `${path} is not a file that can be read.`)
  const hashes: string[] = []
  let number = 0
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    number++
    const text = line.trim()
    if (text === '') continue
    const hash = hashOf(text)
    if (hash === undefined) {
      throw new CliError(
        exitCodes.usage,
        'RECORD_INVALID',
        `${path}:${number}: neither a hash nor an object with an inputHash.`,
        {
          hint: 'Give the hashes as the gateway logs them in inputHash, one a line.',
        },
      )
    }
    hashes.push(hash)
    if (hashes.length > recordsMax)
      throw new CliError(exitCodes.usage, 'RECORDS_TOO_MANY', `${path} has more than ${recordsMax} records.`)
  }
  return hashes
}

function hashOf(text: string): string | undefined {
  if (!text.startsWith('{')) return /^[A-Za-z0-9+/=_:-]{8,256}$/.test(text) ? text : undefined
  try {
    const { inputHash } = JSON.parse(text) as { inputHash?: unknown }
    return typeof inputHash === 'string' && inputHash.length >= 8 && inputHash.length <= 256 ? inputHash : undefined
  } catch {
    return undefined
  }
}

async function readRegistry(folder: string): Promise<RegisteredPrint[]> {
  const names = await readdir(folder).catch(() => [])
  const registered: RegisteredPrint[] = []
  for (const name of names.filter((each) => each.endsWith('.json')).sort()) {
    const path = join(folder, name)
    const { size } = await stat(path)
    const read =
      size > registryFileBytesMax ? undefined : RegisteredPrint.safeParse(parsed(await readFile(path, 'utf8')))
    if (read?.success !== true) {
      throw new CliError(exitCodes.usage, 'REGISTRY_INVALID', `${path} is no fingerprint of a release.`, {
        hint: 'Register the release again.',
      })
    }
    registered.push(read.data)
  }
  if (registered.length > 0) return registered
  throw new CliError(exitCodes.usage, 'REGISTRY_EMPTY', `Nothing is registered in ${folder}.`, {
    hint: 'Register what is yours first: modelwarden assets register ID FILES --release VERSION',
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function uriOf(path: string, prefix: string | undefined): string {
  if (prefix === undefined) return pathToFileURL(resolve(path)).href
  return `${prefix.endsWith('/') ? prefix : `${prefix}/`}${basename(path)}`
}

/** Safe in any folder, and different for different ids. */
function fileNameOf(id: string, release: string): string {
  const plain = `${id}-${release}`.replace(/[^A-Za-z0-9._-]+/g, '_').slice(0, 80)
  return `${plain}-${sha256Hex(`${id}\n${release}`).slice(0, 8)}`
}

/** Whole or not at all. */
async function store(path: string, text: string): Promise<void> {
  const unfinished = `${path}.part`
  await writeFile(unfinished, text, { mode: 0o600 })
  await rename(unfinished, path)
}
