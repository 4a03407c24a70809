/**
 * Reads the files of the inventory and puts them together: what detectors look up.
 *
 * Pure. Promises: never throws; each mistake carries its file, line and column; files in any order give the same inventory.
 */
import type { Asset } from '../../core/asset.ts'
import type { ContentFile } from '../../core/content.ts'
import type { Mistake } from '../../core/errors.ts'
import {
  InventoryFile,
  type RegisteredCanary,
  type RegisteredCanaryText,
  type RegisteredLicense,
  type RegisteredModel,
  type RegisteredPerson,
} from '../../core/inventory.ts'
import type { CredentialEnd, License } from '../../core/license.ts'
import { openRecordFilter } from '../../core/record-filter.ts'
import { limits } from '../../core/limits.ts'
import { parseYaml, schemaMistakes } from '../../core/yaml.ts'
import { locationsOf, noLocations, type Locations } from './locations.ts'

export interface InventoryModel {
  readonly id: string
  readonly dimension: number | undefined
  readonly classes: number | undefined
  readonly reference: readonly (readonly number[])[]
  /** Distinct training records that are registered; 0: none are, and `isTrainingRecord` is always false. */
  readonly trainingRecords: number
  isTrainingRecord(inputHash: string): boolean
}

/** A registered file, and the release that it is a part of. */
export interface InventoryArtifact {
  /** The asset's id and the release's version. */
  readonly release: string
  readonly bytes: number
  /** Of all files of the release, and how many there are. */
  readonly releaseBytes: number
  readonly releaseFiles: number
}

export interface Inventory {
  readonly models: ReadonlyMap<string, InventoryModel>
  /** By URI. */
  readonly artifacts: ReadonlyMap<string, InventoryArtifact>
  readonly locations: Locations
  readonly licenses: readonly RegisteredLicense[]
  /** Licenses that the licensing service keeps, as of this place in the log. */
  readonly told: readonly License[]
  /** The license that a credential stands on; undefined where licensing knows none. */
  licenseOfCredential(credentialId: string): License | undefined
  /** From when on a credential is no good any more; undefined where licensing knows of no end. */
  endOfCredential(credentialId: string): CredentialEnd | undefined
  /** By id. */
  readonly canaries: ReadonlyMap<string, RegisteredCanary>
  /** By digest. */
  readonly canaryTexts: ReadonlyMap<string, RegisteredCanaryText>
  /** By principal. */
  readonly people: ReadonlyMap<string, RegisteredPerson>
}

export const emptyInventory: Inventory = {
  models: new Map(),
  artifacts: new Map(),
  locations: noLocations,
  licenses: [],
  told: [],
  licenseOfCredential: () => undefined,
  endOfCredential: () => undefined,
  canaries: new Map(),
  canaryTexts: new Map(),
  people: new Map(),
}

/** What the licensing service has told so far. */
export interface LicensesTold {
  licenses(): readonly License[]
  license(id: string): License | undefined
  licenseOf(credentialId: string): string | undefined
  endOf(credentialId: string): CredentialEnd | undefined
}

/**
 * The inventory with what licensing keeps. Of a license that stands in both, licensing's terms hold: it is the one that is
 * changed while things run.
 */
export function withLicenses(inventory: Inventory, told: LicensesTold): Inventory {
  return {
    ...inventory,
    licenses: inventory.licenses.map((registered) => {
      const now = told.license(registered.id)
      if (now?.tenant !== registered.tenant) return registered
      return registered.principal === undefined ? now : { ...now, principal: registered.principal }
    }),
    told: told.licenses(),
    licenseOfCredential: (credentialId) => {
      const id = told.licenseOf(credentialId)
      return id === undefined ? undefined : told.license(id)
    },
    endOfCredential: (credentialId) => told.endOf(credentialId),
  }
}

export interface ReadInventory {
  readonly inventory: Inventory
  readonly mistakes: readonly Mistake[]
}

export function readInventory(files: readonly ContentFile[]): ReadInventory {
  const mistakes: Mistake[] = []
  const models = new Map<string, RegisteredModel[]>()
  const assets: Asset[] = []
  const licenses: RegisteredLicense[] = []
  const canaries = new Map<string, RegisteredCanary>()
  const canaryTexts = new Map<string, RegisteredCanaryText>()
  const people = new Map<string, RegisteredPerson>()
  for (const file of [...files].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    const read = readFile(file, mistakes)
    if (read === undefined) continue
    for (const model of read.models) models.set(model.id, [...(models.get(model.id) ?? []), model])
    assets.push(...read.assets)
    licenses.push(...read.licenses)
    for (const canary of read.canaries) canaries.set(canary.id, canary)
    for (const text of read.canaryTexts) canaryTexts.set(text.digest, text)
    for (const person of read.people) people.set(person.principal, person)
  }
  const merged = new Map([...models].map(([id, parts]) => [id, mergeModel(id, parts)]))
  const inventory = {
    ...emptyInventory,
    models: merged,
    artifacts: artifactsOf(assets),
    locations: locationsOf(assets),
    licenses,
    canaries,
    canaryTexts,
    people,
  }
  return { inventory, mistakes }
}

function readFile(file: ContentFile, mistakes: Mistake[]): InventoryFileRead | undefined {
  // Generated files are JSON and large: the reader that knows places is only asked where there is something to complain of.
  const quick = fromJson(file.text)
  if (quick !== undefined) {
    const read = InventoryFile.safeParse(quick)
    if (read.success) return read.data
  }
  const parsed = parseYaml(file)
  mistakes.push(...parsed.mistakes)
  if (parsed.value === undefined) return undefined
  const read = InventoryFile.safeParse(parsed.value)
  if (read.success) return read.data
  mistakes.push(...schemaMistakes(parsed, read.error, 'INVENTORY_INVALID'))
  return undefined
}

/** What several files say of one release adds up. */
function artifactsOf(assets: readonly Asset[]): Map<string, InventoryArtifact> {
  const sizes = new Map<string, Map<string, number>>()
  for (const { id, releases } of assets) {
    for (const { version, artifacts } of releases) {
      const name = `${id} ${version}`
      const of = sizes.get(name) ?? new Map<string, number>()
      sizes.set(name, of)
      for (const { uri, bytes } of artifacts) of.set(uri, bytes)
    }
  }
  const found = new Map<string, InventoryArtifact>()
  for (const [release, of] of sizes) {
    const releaseBytes = [...of.values()].reduce((sum, bytes) => sum + bytes, 0)
    for (const [uri, bytes] of of) found.set(uri, { release, bytes, releaseBytes, releaseFiles: of.size })
  }
  return found
}

type InventoryFileRead = ReturnType<typeof InventoryFile.parse>

function fromJson(text: string): unknown {
  if (!/^\s*\{/.test(text) || text.length > limits.contentFileBytesMax) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function mergeModel(id: string, parts: readonly RegisteredModel[]): InventoryModel {
  const filters = parts.flatMap(({ trainingRecords }) => trainingRecords)
  const tests = filters.map(openRecordFilter)
  return {
    id,
    dimension: parts.findLast(({ dimension }) => dimension !== undefined)?.dimension,
    classes: parts.findLast(({ classes }) => classes !== undefined)?.classes,
    reference: parts.flatMap(({ reference }) => reference),
    trainingRecords: filters.reduce((sum, { records }) => sum + records, 0),
    isTrainingRecord: (inputHash) => tests.some((test) => test(inputHash)),
  }
}
