/**
 * The role that somebody is compared within: the first that the event names, else the one that is registered.
 */
import type { Event } from '../../core/event.ts'
import type { EventContext } from './types.ts'

/** Empty: unknown. */
export function roleOf(event: Event, { inventory }: EventContext): string {
  return event.user?.roles?.[0] ?? inventory.people.get(event.warden.principal)?.role ?? ''
}
