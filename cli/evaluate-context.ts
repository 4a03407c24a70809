/** Reads what a folder of recorded traffic says is registered (`context.json`), as files of the inventory. */
import { z } from 'zod'
import type { ContentFile } from '../core/content.ts'
import { complaintText } from '../core/form-words.ts'
import type { InventoryFile } from '../core/inventory.ts'
import { buildRecordFilters } from '../core/record-filter.ts'
import { CliError, exitCodes } from './exit.ts'

const Model = z.looseObject({
  dim: z.int().positive().optional(),
  classes: z.int().positive().optional(),
  trainingHashes: z.array(z.string()).default([]),
  reference: z.array(z.array(z.number())).default([]),
})

const LicenseTerms = z.looseObject({
  tenant: z.string(),
  principal: z.string(),
  model: z.string(),
  allowedCountries: z.array(z.string()).optional(),
  allowedIps: z.array(z.string()).optional(),
  dailyCap: z.int().positive().optional(),
  qpsCap: z.number().positive().optional(),
  notAfter: z.iso.datetime().optional(),
})

const Context = z.looseObject({
  models: z.record(z.string(), Model).default({}),
  licences: z.array(LicenseTerms).default([]),
  canaries: z
    .array(
      z.looseObject({
        canaryId: z.string(),
        question: z.string(),
        answer: z.string(),
        distractors: z.array(z.string()).default([]),
      }),
    )
    .default([]),
  roster: z
    .array(z.looseObject({ principal: z.string(), role: z.string().optional(), ip: z.string().optional() }))
    .default([]),
})
type Context = z.infer<typeof Context>

/** The tenant of people whose records name none: the operator's own. */
const ownTenant = 'corp'

/** One file a model, and one for all else. Throws a CliError where the text is no context. */
export function inventoryOfContext(text: string, path: string): ContentFile[] {
  const context = parse(text, path)
  const models = Object.entries(context.models).map(([id, model]) => ({
    id,
    dimension: model.dim,
    classes: model.classes,
    reference: model.reference,
    trainingRecords: buildRecordFilters(model.trainingHashes),
  }))
  const rest: InventoryFile = {
    licenses: context.licences.map(licenseOf),
    canaries: context.canaries.map(({ canaryId: id, question, answer, distractors }) => ({
      id,
      question,
      answer,
      distractors,
    })),
    people: context.roster.map(({ principal, role, ip }) => ({
      principal: principal.includes('/') ? principal : `${ownTenant}/${principal}`,
      role,
      addresses: ip === undefined ? [] : [ip],
    })),
  }
  return [
    ...models.map((model, number) => ({
      path: `context/model-${number}.yml`,
      text: JSON.stringify({ models: [model] }),
    })),
    { path: 'context/context.yml', text: JSON.stringify(rest) },
  ]
}

function parse(text: string, path: string): Context {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new CliError(exitCodes.usage, 'CONTEXT_INVALID', `${path} is not JSON.`, { cause })
  }
  const read = Context.safeParse(value)
  if (read.success) return read.data
  throw new CliError(exitCodes.usage, 'CONTEXT_INVALID', `${path} is not as expected: ${complaintText(read.error)}`)
}

function licenseOf(
  terms: z.infer<typeof LicenseTerms>,
  number: number,
): NonNullable<InventoryFile['licenses']>[number] {
  return {
    id: `license-${number}`,
    tenant: terms.tenant,
    principal: `${terms.tenant}/${terms.principal}`,
    models: [terms.model],
    form: 'api',
    requestsPerDayMax: terms.dailyCap,
    // Of a whole second: a half call does not fit into one.
    requestsPerSecondMax: terms.qpsCap === undefined ? undefined : Math.ceil(terms.qpsCap),
    countries: terms.allowedCountries,
    addresses: terms.allowedIps,
    validUntil: terms.notAfter,
  }
}
