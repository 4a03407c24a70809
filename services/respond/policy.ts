/**
 * The gates that stand between an action that is asked for and the world: what may be done at all.
 *
 * Pure. The policy stands in the log, so a replay decides the same.
 */
import type { Policy } from '../../core/effect.ts'
import { entitiesOf, type IncidentBrief } from './incident-brief.ts'

/** `*` at the end stands for any rest. */
function covers(pattern: string, id: string): boolean {
  return pattern.endsWith('*') ? id.startsWith(pattern.slice(0, -1)) : id === pattern
}

/**
 * The protected id that an action would touch, if there is one. A credential does not say whose it is, so where it is what
 * is acted upon, the incident's principals and users count too: rather a person too many is asked than one key too many
 * taken.
 */
export function protectedIn(
  patterns: readonly string[],
  target: string,
  args: Readonly<Record<string, unknown>>,
  incident: IncidentBrief,
): string | undefined {
  if (patterns.length === 0) return undefined
  const named = Object.values(args).filter((value): value is string => typeof value === 'string')
  const ids = [target, target.slice(target.indexOf(':') + 1), ...named]
  if (target.startsWith('credential:')) ids.push(...entitiesOf(incident, 'principal'), ...entitiesOf(incident, 'user'))
  return ids.find((id) => patterns.some((pattern) => covers(pattern, id)))
}

/** Which cap one more destructive action would break. */
export function capReached(
  policy: Policy,
  playbook: string,
  reservations: readonly { readonly playbook: string }[],
): string | undefined {
  const ofPlaybook = reservations.filter((each) => each.playbook === playbook).length
  if (ofPlaybook >= policy.destructivePerPlaybookPerHourMax) {
    return `${ofPlaybook} destructive actions of ${playbook} within the last hour; ${policy.destructivePerPlaybookPerHourMax} are allowed`
  }
  if (reservations.length >= policy.destructivePerTenantPerHourMax) {
    return `${reservations.length} destructive actions for this tenant within the last hour; ${policy.destructivePerTenantPerHourMax} are allowed`
  }
  return undefined
}
