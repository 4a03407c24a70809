/**
 * `license-use`: what is done with a model beyond what its license says.
 *
 * Held against a license are: the model and the tenant that it is licensed to, the form of use, the time, addresses and
 * countries, the tier, the environment that an attestation measures, and how much is used. A use by a credential that the
 * licensing service knows is held against the license that it points to; any other against what the inventory has for its
 * principal and tenant. Both as of the use's place in the log. Whoever has no license is not judged.
 */
import type { Event } from '../../../core/event.ts'
import { limits } from '../../../core/limits.ts'
import { entitiesOf, evidenceOf, timeOf } from '../entities.ts'
import type { BehaviorDetector, EventContext, Shuffled } from '../types.ts'
import { LicenseUseParams, type JudgedUse, type Use } from './params.ts'
import { judge, termsFor, termsOf, type Terms } from './terms.ts'
import { LicenseUseStep } from './use.ts'

export const licenseUse: BehaviorDetector<LicenseUseParams> = {
  type: 'license-use',
  params: LicenseUseParams,
  needs: () => [
    'warden.model.id',
    'source.ip',
    'source.geo.country_iso_code',
    'gen_ai.usage.input_tokens',
    'gen_ai.usage.output_tokens',
    'warden.latency_ms',
  ],
  create: (params) => ({
    read: (event, context) => readUse(event, context, params),
    local: new LicenseUseStep('principal'),
    grouped: new LicenseUseStep('license'),
  }),
}

function readUse(event: Event, context: EventContext, params: LicenseUseParams): Shuffled | undefined {
  const { principal } = event.warden
  const candidates = candidatesFor(event, context)
  if (candidates.length === 0) return undefined
  const use = useOf(event)
  const { terms, breach } = judge(use, candidates, context.inventory, params)
  const observation: JudgedUse = {
    use,
    license: terms.id,
    caps: terms.caps,
    shared: terms.principal === undefined,
    breach,
    entities: entitiesOf(event),
    evidence: evidenceOf(event),
  }
  return { group: [principal], observation }
}

/** What a credential stands on is what authorize asks it for; else whatever is registered for the principal and its tenant. */
function candidatesFor({ organization, warden }: Event, { inventory }: EventContext): readonly Terms[] {
  const own = warden.credential === undefined ? undefined : inventory.licenseOfCredential(warden.credential.id)
  if (own?.tenant === organization.id) return [termsOf(own)]
  return termsFor(inventory, organization.id, warden.principal)
}

function useOf(event: Event): Use {
  const { warden, gen_ai: ai } = event
  const kind = warden.asset?.kind
  const form = kind === 'weights' || kind === 'training-data' ? kind : 'api'
  const attestation = warden['attestation'] as { measurement?: unknown } | undefined
  const latency = warden['latency_ms']
  const bias = ai?.request?.['logit_bias']
  return {
    timeMs: timeOf(event),
    principal: warden.principal,
    tenant: event.organization.id,
    form,
    model: warden.model?.id ?? warden.asset?.id,
    address: textOf(event.source?.ip),
    country: textOf(event.source?.geo?.country_iso_code)?.toUpperCase(),
    tokens: tokensOf(ai?.usage?.input_tokens) + tokensOf(ai?.usage?.output_tokens),
    latencyMs: typeof latency === 'number' && latency > 0 && Number.isFinite(latency) ? latency : 0,
    logits:
      (ai?.request?.top_logprobs ?? 0) > 0 ||
      (typeof bias === 'object' && bias !== null && Object.keys(bias).length > 0),
    measurement: textOf(attestation?.measurement)?.toLowerCase(),
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, limits.entityIdCharsMax) : undefined
}

function tokensOf(value: unknown): number {
  return typeof value === 'number' && value > 0 && Number.isFinite(value) ? value : 0
}
