/**
 * Licenses in the form in which uses are held against them, and the verdict on a use by itself.
 *
 * Pure. The same order as authorize: the model and the form, the time, from where; then the tier and the environment. What
 * a source does not tell is no breach: an event without an address has not come from a forbidden one.
 */
import { compileBlocks, inBlocks, type AddressBlock } from '../../../core/addresses.ts'
import type { RegisteredLicense } from '../../../core/inventory.ts'
import { modelsCovered, type License } from '../../../core/license.ts'
import type { Inventory } from '../../inventory/inventory.ts'
import type { BreachKind, Caps, LicenseUseParams, Use, UseBreach } from './params.ts'

export interface Terms {
  readonly id: string
  readonly tenant: string
  /** Whose license it is; undefined: all of the tenant's. */
  readonly principal: string | undefined
  readonly form: License['form']
  readonly tier: License['tier']
  covers(model: string | undefined): boolean
  readonly fromMs: number
  readonly untilMs: number
  readonly blocks: readonly AddressBlock[] | undefined
  readonly countries: ReadonlySet<string> | undefined
  readonly measurements: ReadonlySet<string> | undefined
  readonly caps: Caps
  readonly copyFidelityMax: number | undefined
}

interface Book {
  readonly byTenant: ReadonlyMap<string, readonly Terms[]>
  readonly all: readonly Terms[]
}

/** Compiled once: caches over what licenses and inventories say. */
const compiled = new WeakMap<RegisteredLicense, Terms>()
const books = new WeakMap<Inventory, Book>()

function bookOf(inventory: Inventory): Book {
  const known = books.get(inventory)
  if (known !== undefined) return known
  const all = inventory.licenses.map(termsOf).sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))
  const byTenant = new Map<string, Terms[]>()
  for (const terms of all) byTenant.set(terms.tenant, [...(byTenant.get(terms.tenant) ?? []), terms])
  const book: Book = { byTenant, all }
  books.set(inventory, book)
  return book
}

/** A license as uses are held against it. */
export function termsOf(license: RegisteredLicense): Terms {
  const known = compiled.get(license)
  if (known !== undefined) return known
  const terms = compile(license)
  compiled.set(license, terms)
  return terms
}

function compile(license: RegisteredLicense): Terms {
  const { requestsPerSecondMax, requestsPerMinuteMax, requestsPerDayMax, tokensPerDayMax, concurrencyMax } = license
  return {
    id: license.id,
    tenant: license.tenant,
    principal: license.principal,
    form: license.form,
    tier: license.tier,
    covers: modelsCovered(license.models),
    fromMs: license.validFrom === undefined ? -Infinity : Date.parse(license.validFrom),
    untilMs: license.validUntil === undefined ? Infinity : Date.parse(license.validUntil),
    blocks: license.addresses === undefined ? undefined : compileBlocks(license.addresses),
    countries:
      license.countries === undefined ? undefined : new Set(license.countries.map((code) => code.toUpperCase())),
    measurements:
      license.measurements === undefined ? undefined : new Set(license.measurements.map((text) => text.toLowerCase())),
    caps: {
      second: requestsPerSecondMax,
      minute: requestsPerMinuteMax,
      day: requestsPerDayMax,
      tokensDay: tokensPerDayMax,
      concurrent: concurrencyMax,
    },
    copyFidelityMax: license.copyFidelityMax,
  }
}

/** The licenses that a principal may stand on; none: its use is not a matter of licenses. */
export function termsFor(inventory: Inventory, tenant: string, principal: string): readonly Terms[] {
  const all = bookOf(inventory).byTenant.get(tenant)
  if (all === undefined) return []
  return all.filter((terms) => terms.principal === undefined || terms.principal === principal)
}

/** How faithful a copy a principal may be able to train of a model, by the first license in force that says it. */
export function copyFidelityOf(
  inventory: Inventory,
  use: { readonly tenant: string; readonly principal: string; readonly model: string; readonly timeMs: number },
): { readonly id: string; readonly most: number } | undefined {
  for (const terms of termsFor(inventory, use.tenant, use.principal)) {
    const most = terms.copyFidelityMax
    const inForce = use.timeMs >= terms.fromMs && use.timeMs < terms.untilMs
    if (most !== undefined && inForce && terms.covers(use.model)) return { id: terms.id, most }
  }
  return undefined
}

export interface Verdict {
  readonly terms: Terms
  readonly breach: UseBreach | undefined
}

/** The first license that covers the use, or the one that comes closest and what is wrong with that. */
export function judge(use: Use, candidates: readonly Terms[], inventory: Inventory, params: LicenseUseParams): Verdict {
  let best: { verdict: Verdict; passed: number } | undefined
  for (const terms of candidates) {
    const { passed, breach } = hold(use, terms, inventory, params)
    if (breach === undefined) return { terms, breach: undefined }
    if (best === undefined || passed > best.passed) best = { verdict: { terms, breach }, passed }
  }
  return best!.verdict
}

type Held = { readonly passed: number; readonly breach: Verdict['breach'] }

function hold(use: Use, terms: Terms, inventory: Inventory, params: LicenseUseParams): Held {
  const fail = (passed: number, kind: BreachKind, words: string): Held => ({ passed, breach: { kind, words } })
  if (!terms.covers(use.model)) {
    const model = use.model ?? 'a model that is not named'
    const others = [...bookOf(inventory).all, ...inventory.told.map(termsOf)]
    const other = others.some((each) => each.tenant !== use.tenant && each.covers(use.model))
    return other
      ? fail(0, 'tenancy', `${model} is licensed to another tenant, not to ${use.tenant}`)
      : fail(0, 'model', `the license does not cover ${model}`)
  }
  if (terms.form !== use.form) return fail(1, 'form', `it is a license for ${terms.form}, and this is ${use.form}`)
  if (use.timeMs < terms.fromMs) return fail(2, 'not-yet-valid', `it is valid from ${iso(terms.fromMs)} on`)
  if (use.timeMs >= terms.untilMs) return fail(2, 'expired', `it expired at ${iso(terms.untilMs)}`)
  if (terms.blocks !== undefined && use.address !== undefined && !inBlocks(terms.blocks, use.address)) {
    return fail(3, 'address', `it does not allow ${use.address}`)
  }
  if (terms.countries !== undefined && use.country !== undefined && !terms.countries.has(use.country)) {
    return fail(4, 'country', `it allows ${[...terms.countries].sort().join(', ')}, not ${use.country}`)
  }
  if (use.logits && !params.logprobTiers.includes(terms.tier)) {
    return fail(5, 'tier', `log-probabilities are not for the tier ${terms.tier}`)
  }
  if (terms.measurements !== undefined && use.measurement !== undefined && !terms.measurements.has(use.measurement)) {
    const known = [...terms.measurements].map((text) => text.slice(0, 16)).sort()
    return fail(
      6,
      'environment',
      `the environment measures as ${use.measurement.slice(0, 16)}…, licensed are ${known.join('…, ')}…`,
    )
  }
  return { passed: 7, breach: undefined }
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
