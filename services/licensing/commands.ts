/**
 * What licensing obeys, and how it gets into one log.
 *
 * The relay `licensing-commands` carries the few records of `warden.effects` that concern licenses and credentials to
 * `warden.license-commands`, a single partition: an order of the operator about a tenant's credential stands in another
 * partition of the effects than the tenant's own, and a state that two logs write would depend on their interleaving.
 */
import { z } from 'zod'
import { Action } from '../../core/action.ts'
import { Decision } from '../../core/decision.ts'
import { complaintText } from '../../core/form-words.ts'
import { limits } from '../../core/limits.ts'
import { topics } from '../../core/topics.ts'
import { relayStage } from '../../runtime/stage/relay.ts'

/** As it stands on `warden.license-commands`: the same form that it has on `warden.effects`. */
export const Command = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('action'), action: Action }),
  z.strictObject({ kind: z.literal('decision'), decision: Decision }),
])

const id = z.string().min(1).max(limits.entityIdCharsMax)
const common = {
  reason: z.string().max(2_000).optional(),
  /** Only where the credential still stands as this action left it. */
  ifActionId: z.string().min(1).max(128).optional(),
}

/** Arguments of `credential.suspend`, `credential.revoke` and `credential.reinstate`. */
export const OrderArgs = z.union([
  z.strictObject({ credentialId: id, ...common }),
  z.strictObject({ principal: id, ...common }),
])

export const verbs = {
  'credential.suspend': 'suspend',
  'credential.revoke': 'revoke',
  'credential.reinstate': 'reinstate',
} as const
export type Verb = (typeof verbs)[keyof typeof verbs]

/** One key for all: the log has one partition. */
const commandsKey = 'licensing'

export const commandsRelay = relayStage({
  name: 'licensing-commands',
  from: topics.effects,
  to: topics.licenseCommands,
  code: 'NOT_AN_EFFECT',
  carry(value) {
    if (!isOurs(value)) return undefined
    const command = Command.safeParse(value)
    if (command.success) return { key: commandsKey, value: command.data }
    return { refused: `The record is for licensing, and has not the form of one: ${complaintText(command.error)}` }
  },
})

/** Told by a glance: most of what passes on this topic is none of ours. */
function isOurs(value: unknown): boolean {
  const { kind, action, decision } = (value ?? {}) as Record<string, unknown>
  if (kind === 'action') {
    const { connector, state } = (action ?? {}) as Record<string, unknown>
    return connector === 'licensing' && state === 'attempted'
  }
  if (kind !== 'decision') return false
  const { kind: deed } = (decision ?? {}) as Record<string, unknown>
  return deed === 'license.put' || deed === 'credential.put'
}
