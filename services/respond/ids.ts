/**
 * Ids, digests and roles of actions.
 *
 * Pure.
 */
import { canonicalDigest, derivedId } from '../../core/ids.ts'
import type { RunEntry } from './book.ts'
import type { Playbook } from './playbook.ts'

/** From incident, playbook version, subject and step: the same wish always has the same id. */
export function actionIdOf(
  run: Pick<RunEntry, 'incidentId' | 'subject'>,
  playbook: Pick<Playbook, 'id' | 'version'>,
  step: string,
): string {
  return derivedId(
    'action',
    run.incidentId,
    playbook.id,
    playbook.version,
    run.subject?.type ?? '',
    run.subject?.id ?? '',
    step,
  )
}

/** What an approval is bound to. */
export function digestOf(connector: string, action: string, args: unknown): string {
  return canonicalDigest({ connector, action, args })
}

/** The named role; `admin` may do everything. */
export function mayDecide(roles: readonly string[], role: string): boolean {
  return roles.includes(role) || roles.includes('admin')
}
