/**
 * `modelwarden assets fingerprint`: whether a found file is, contains, is a part of or derives from a registered one,
 * and what else may be the reason that it is like one.
 */
import { join } from 'node:path'
import { counted } from '../core/counted.ts'
import { compare, joined, strongest, type Comparison } from '../engine/fingerprint/compare.ts'
import type { FilePrint } from '../engine/fingerprint/fingerprint.ts'
import type { LoadedConfig } from '../runtime/config/config-load.ts'
import { printOf } from './assets-file.ts'
import { readRegistry, type RegisteredPrint } from './assets-registry.ts'
import { print, printJson } from './output.ts'
import { dataFolderOf } from './settings.ts'
import { printTable } from './table.ts'

export interface FingerprintOptions {
  readonly registry?: string
  readonly base: readonly string[]
  readonly json?: true
}

interface Twin {
  readonly found: string
  readonly asset: string
  readonly release: string
  readonly file: string
}

/** Several files are one model in shards: they are compared together, and each one's bytes by themselves. */
export async function fingerprintFiles(
  paths: readonly string[],
  options: FingerprintOptions,
  loaded: LoadedConfig,
): Promise<void> {
  const registry = options.registry ?? join(dataFolderOf(loaded), 'assets')
  const registered = await readRegistry(registry)
  const prints = await printsOf(paths, true)
  const found = joined(prints)
  const base = options.base.length === 0 ? undefined : joined(await printsOf(options.base, false))
  const all = registered.flatMap(({ asset, release, files }) => {
    const [first, ...more] = files
    const wholes = first === undefined || more.length === 0 ? [] : [joined([first, ...more])]
    return [...files, ...wholes].map((file) => ({
      asset,
      release,
      file: file.name,
      comparison: compare(file, found, base),
    }))
  })
  const best = strongest(all)
  const matches = all.filter(({ comparison }) => comparison.verdict !== 'unrelated')
  const identical = prints.flatMap((print_) => sameBytes(print_, registered))
  const together = best?.comparison.verdict ?? 'unrelated'
  // One of several files may be a registered one, and all together nothing that is.
  const verdict = identical.length > 0 ? 'identical' : together
  if (options.json) {
    const files = prints.map(({ name: file, tensors, ...print_ }) => ({ file, ...print_, tensors: tensors.length }))
    printJson({ verdict, files, compared: all.length, matches, identical })
    return
  }
  for (const { name, bytes, format, tensors, sha256, missing } of prints) {
    print(`${name}: ${bytes} bytes, ${format}, ${tensors.length} tensors, SHA-256 ${sha256}`)
    if (missing !== undefined) print(`It was cut short: ${counted(missing, 'tensor', 'tensors')} or more are missing.`)
  }
  for (const { found: name, asset, release, file } of prints.length > 1 ? identical : []) {
    print(`${name} is, byte for byte, ${asset} ${release} (${file}).`)
  }
  if (best === undefined || together === 'unrelated') {
    if (identical.length === 0) print(`No relation to any of ${counted(all.length, 'registered file')} was found.`)
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
  if (together === 'derives' || together === 'shares-tensors') print(otherReasons(base !== undefined))
  print(blindSpots)
}

/** The registered files that a found one is, byte for byte. */
function sameBytes({ name, sha256 }: FilePrint, registered: readonly RegisteredPrint[]): Twin[] {
  return registered.flatMap(({ asset, release, files }) =>
    files.filter((file) => file.sha256 === sha256).map((file) => ({ found: name, asset, release, file: file.name })),
  )
}

async function printsOf(paths: readonly string[], partial: boolean): Promise<[FilePrint, ...FilePrint[]]> {
  const [first, ...more] = paths
  const prints: [FilePrint, ...FilePrint[]] = [await printOf(first!, partial)]
  for (const path of more) prints.push(await printOf(path, partial))
  return prints
}

const blindSpots =
  'Not seen: tensors that were split or merged, or reordered within and changed besides, distilled models, quants of kinds that are not ' +
  'read (GPTQ, AWQ, IQ) against what they were made of, data kept in files beside an ONNX file.'

/** What else numbers that are alike may come from. */
function otherReasons(based: boolean): string {
  return (
    'That the numbers are alike does not say which came first. Before it says that one comes from the other, exclude ' +
    (based ? '' : 'a public model that both were made of (--base FILE), ') +
    'a training that began with the same random numbers, one with a single solution (linear models, components), and ' +
    'tables that are computed by a formula.'
  )
}

function inWords({ verdict, equalShare, nearShare, foundShare }: Comparison): string {
  const share = `${percent(equalShare)} of its numbers equal, ${percent(nearShare)} near`
  switch (verdict) {
    case 'identical':
      return 'is, byte for byte,'
    case 'contains':
      return `contains (${share})`
    case 'part-of':
      return `is a part (${percent(foundShare)} of the found numbers stand in it; ${share}) of`
    case 'derives':
      return `derives from, or has a common origin with (${share})`
    case 'shares-tensors':
      return `has tensors equal or near to some (${share}) of`
    case 'unrelated':
      return 'is not related to'
  }
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
