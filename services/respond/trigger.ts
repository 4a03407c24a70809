/**
 * Whether a playbook answers to an incident.
 *
 * Pure. Promises: an incident of shadow findings alone, a synthetic one, and one that is not open triggers nothing.
 */
import { levels, type Entity } from '../../core/signal.ts'
import { entitiesOf, type IncidentBrief } from './incident-brief.ts'
import type { Playbook } from './playbook.ts'

export function isTriggered({ trigger }: Playbook, incident: IncidentBrief): boolean {
  if (incident.shadowOnly || incident.synthetic || !isOpen(incident)) return false
  if (trigger.settled && !incident.settled) return false
  if (levels.indexOf(incident.severity) < levels.indexOf(trigger.severity as (typeof levels)[number])) return false
  if (incident.risk < trigger.risk) return false
  if (trigger.rules.length > 0 && !trigger.rules.some((rule) => incident.rules.includes(rule))) return false
  if (
    trigger.techniques.length > 0 &&
    !trigger.techniques.some((wanted) => incident.techniques.some((found) => covers(wanted, found)))
  )
    return false
  if (trigger.flags.length > 0 && !trigger.flags.some((code) => incident.flags?.includes(code) === true)) return false
  return trigger.entities.every((type) => entitiesOf(incident, type).length > 0)
}

export function isOpen({ status }: Pick<IncidentBrief, 'status'>): boolean {
  return status === 'open' || status === 'acknowledged'
}

/** T1078 stands for T1078.004 too. */
function covers(wanted: string, found: string): boolean {
  return found === wanted || found.startsWith(`${wanted}.`)
}

/** What it runs for: each entity of the trigger's type, or the incident as a whole. */
export function subjectsOf({ trigger }: Playbook, incident: IncidentBrief): readonly (Entity | undefined)[] {
  const { forEach } = trigger
  if (forEach === undefined) return [undefined]
  return entitiesOf(incident, forEach).map((id) => ({ type: forEach, id }))
}
