/**
 * `modelwarden assets register`: registers the files of a model, a release or a data set. Found files are compared with them in
 * assets-fingerprint.ts.
 *
 * Two things come of registering: files of the inventory (sizes, digests, the filter of training records), which detectors know
 * once they are published, and the fingerprint of the release in the data folder, which only `fingerprint` reads.
 */
import { createReadStream } from 'node:fs'
import { mkdir, rename, stat, writeFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createInterface } from 'node:readline'
import { counted } from '../core/counted.ts'
import type { Asset } from '../core/asset.ts'
import { sha256Hex } from '../core/ids.ts'
import type { InventoryFile } from '../core/inventory.ts'
import { buildRecordFilters } from '../core/record-filter.ts'
import type { FilePrint } from '../engine/fingerprint/fingerprint.ts'
import type { LoadedConfig } from '../runtime/config/config-load.ts'
import { printOf } from './assets-file.ts'
import type { RegisteredPrint } from './assets-registry.ts'
import { CliError, exitCodes } from './exit.ts'
import { note, print, printJson } from './output.ts'
import { dataFolderOf } from './settings.ts'

/** Artifacts in one file of the inventory: its text stays below the limit of a content file. */
const artifactsPerFileMax = 1_500
const recordsMax = 5_000_000

export interface RegisterOptions {
  readonly release: string
  readonly kind: 'model' | 'training-data' | 'code'
  readonly name?: string
  readonly tenant: string
  readonly uri?: string
  readonly records?: string
  readonly json?: true
}

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
  for (const path of files) prints.push(await printOf(path, false))
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
