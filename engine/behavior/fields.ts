/**
 * One field of an event by its dotted path, for detectors whose rules name fields. Own properties only; what is empty is absent.
 */
import type { Event } from '../../core/event.ts'

export function fieldAt(event: Event, path: string): unknown {
  let value: unknown = event
  for (const step of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined
    value = (value as Record<string, unknown>)[step]
  }
  return value === null || value === '' ? undefined : value
}
