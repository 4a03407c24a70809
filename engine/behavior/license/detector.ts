/**
 * `license-use`: what is done with a model beyond what its license says.
 *
 * Held against a license are: the model and the tenant that it is licensed to, the form of use, the time, addresses and
 * countries, the tier, the environment that an attestation measures, and how much is used. A use by a credential that the
 * licensing service knows is held against the license that it points to; any other against what the inventory has for its
 * principal and tenant. Both as of the use's place in the log. Whoever has no license is not judged, but for one thing: a
 * credential that was switched off or has run out is not to be used at all.
 */
import type { Event } from '../../../core/event.ts'
import { limits } from '../../../core/limits.ts'
import { accountOf } from '../account.ts'
import { entitiesOf, evidenceOf, timeOf } from '../entities.ts'
import type { BehaviorDetector, EventContext, Shuffled } from '../types.ts'
import { LicenseUseParams, type Caps, type JudgedUse, type Use, type UseBreach } from './params.ts'
import { judge, termsFor, termsOf, type Terms } from './terms.ts'
import { LicenseUseStep } from './use.ts'

const noCaps: Caps = {
  second: undefined,
  minute: undefined,
  day: undefined,
  tokensDay: undefined,
  concurrent: undefined,
}

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
  const candidates = candidatesFor(event, context)
  const ended = endedFor(event, context, params)
  if (candidates.length === 0 && ended === undefined) return undefined
  const use = useOf(event)
  const held = candidates.length === 0 ? undefined : judge(use, candidates, context.inventory, params)
  const observation: JudgedUse = {
    use,
    license: held?.terms.id ?? '',
    caps: held?.terms.caps ?? noCaps,
    shared: held !== undefined && held.terms.principal === undefined,
    breach: ended ?? held?.breach,
    entities: entitiesOf(event),
    evidence: evidenceOf(event),
  }
  return { group: accountOf(event), observation }
}

/**
 * The credential was no good any more when it was used, whatever its license says. A use that happened before, but comes
 * after the switch-off in the log, is none; nor is one of another tenant that names the same credential.
 */
function endedFor(event: Event, { inventory }: EventContext, params: LicenseUseParams): UseBreach | undefined {
  const credential = event.warden.credential?.id
  const end = credential === undefined ? undefined : inventory.endOfCredential(credential)
  if (credential === undefined || end === undefined) return undefined
  if (end.tenant !== event.organization.id && end.tenant !== 'operator') return undefined
  const timeMs = timeOf(event)
  const { off, expiresAtMs } = end
  const shown = credential.slice(0, 24)
  if (off !== undefined && timeMs > off.sinceMs + params.switchOffGrace) {
    const since = new Date(off.sinceMs).toISOString()
    return {
      kind: off.state,
      words: `the credential ${shown} was ${off.state} at ${since}, and is still used`,
      credential,
    }
  }
  if (expiresAtMs === undefined || timeMs < expiresAtMs) return undefined
  const words = `the credential ${shown} ran out at ${new Date(expiresAtMs).toISOString()}, and is still used`
  return { kind: 'credential-expired', words, credential }
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
