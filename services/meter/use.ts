/**
 * What of an event is metered: who used which model, how much.
 *
 * Pure. A call is an event of an inference (its action, or a `gen_ai` operation); a read of weights or of training data is
 * use in another form. Whatever else happens is not metered.
 */
import type { Event } from '../../core/event.ts'
import type { License } from '../../core/license.ts'
import { limits } from '../../core/limits.ts'
import { usageOutcomes } from '../../core/usage.ts'

/** Who uses what: all that meters are told apart by, beside the period. */
export interface Account {
  readonly tenant: string
  readonly principal?: string
  readonly credentialId?: string
  readonly licenseId?: string
  readonly model?: string
  readonly form: License['form']
}

/** Places of the figures of one outcome, in the order of `UsageFigures`. */
export const figuresEach = 5

export interface Use {
  readonly account: Account
  /** Where the figures of its outcome begin. */
  readonly outcomeAt: number
  /** Calls, input tokens, output tokens, bytes, calls without tokens. */
  readonly amounts: readonly number[]
}

/** More than any one event can mean: what says so is not a number of tokens or bytes. */
const amountMax = 1e13

/** What is to be metered; undefined: nothing. */
export function useOf(event: Event, licenseOf: (credentialId: string) => string | undefined): Use | undefined {
  const { warden, gen_ai: ai } = event
  const form = formOf(event)
  if (form === undefined) return undefined
  const principal = textOf(warden.principal)
  const credentialId = textOf(warden.credential?.id)
  const licenseId = credentialId === undefined ? undefined : licenseOf(credentialId)
  // What is read of weights or data are thousands of objects; an invoice has a line for what they lie in.
  const artifact = form === 'api' ? undefined : (warden.asset?.container ?? warden.asset?.id)
  const model = textOf(warden.model?.id ?? ai?.request?.model ?? artifact)
  const input = ai?.usage?.input_tokens
  const output = ai?.usage?.output_tokens
  const told = isAmount(input) || isAmount(output)
  const wrong = [input, output].some((tokens) => tokens !== undefined && !isAmount(tokens))
  const bytes = warden.bytes
  return {
    account: {
      tenant: textOf(event.organization.id) ?? '-',
      ...(principal === undefined ? {} : { principal }),
      ...(credentialId === undefined ? {} : { credentialId }),
      ...(licenseId === undefined ? {} : { licenseId }),
      ...(model === undefined ? {} : { model }),
      form,
    },
    outcomeAt: figuresEach * Math.max(0, outcomeIndex(event.event.outcome)),
    amounts: [
      1,
      isAmount(input) ? input : 0,
      isAmount(output) ? output : 0,
      isAmount(bytes) ? bytes : 0,
      form === 'api' && (!told || wrong) ? 1 : 0,
    ],
  }
}

function formOf({ event, warden, gen_ai: ai }: Event): License['form'] | undefined {
  const kind = warden.asset?.kind
  if (kind === 'weights' || kind === 'training-data') return event.type?.includes('access') === true ? kind : undefined
  return event.action === 'inference' || typeof ai?.operation?.name === 'string' ? 'api' : undefined
}

function outcomeIndex(outcome: Event['event']['outcome']): number {
  return usageOutcomes.indexOf(outcome ?? 'unknown')
}

function isAmount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= amountMax
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, limits.entityIdCharsMax) : undefined
}
