/**
 * Decisions: what people decide. Published to `warden.decisions`, keyed by incident id (license and credential deeds: by
 * tenant), and relayed from there into the logs of the stages that obey them.
 */
import { z } from 'zod'
import { Credential, License } from './license.ts'
import { Verdict } from './incident.ts'

const base = {
  /** Chosen by whoever decides; the same decision sent twice has the same id. */
  id: z.string(),
  at: z.iso.datetime(),
  /** Who: `<kind>:<name>`, e.g. `operator:ana`, `cli:root`. */
  by: z.string(),
  roles: z.array(z.string()),
  tenant: z.string(),
}
const onIncident = { ...base, incidentId: z.string() }

export const Decision = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('acknowledge'), ...onIncident }),
  z.strictObject({ kind: z.literal('assign'), ...onIncident, assignee: z.string() }),
  z.strictObject({ kind: z.literal('note'), ...onIncident, text: z.string() }),
  z.strictObject({ kind: z.literal('close'), ...onIncident, verdict: Verdict, text: z.string().optional() }),
  z.strictObject({ kind: z.literal('reopen'), ...onIncident }),
  /** Takes an incident that was merged into this one out of it again. */
  z.strictObject({ kind: z.literal('unmerge'), ...onIncident, mergedId: z.string() }),
  /** Approves or refuses exactly the action whose digest it names. */
  z.strictObject({
    kind: z.literal('approval'),
    ...onIncident,
    actionId: z.string(),
    digest: z.string(),
    approved: z.boolean(),
    text: z.string().optional(),
  }),
  z.strictObject({ kind: z.literal('undo'), ...onIncident, actionId: z.string() }),
  z.strictObject({ kind: z.literal('license.put'), ...base, license: License }),
  /** Registers or changes a credential; a revoked one is never brought back this way. */
  z.strictObject({ kind: z.literal('credential.put'), ...base, credential: Credential }),
  /** Stops or lets go all playbook effects, everywhere. */
  z.strictObject({ kind: z.literal('global-stop'), ...base, stopped: z.boolean() }),
])
export type Decision = z.infer<typeof Decision>
