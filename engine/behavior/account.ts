/**
 * Whose call an event is, and of which model: what most detectors group by.
 *
 * Several ask it of the same event, one after the other: they are given the very same list, which shows at a glance that their
 * groups are those of one account.
 */
import type { Event } from '../../core/event.ts'

const last: {
  event: Event | undefined
  account: readonly [string] | undefined
  model: string
  both: readonly [string, string] | undefined
} = { event: undefined, account: undefined, model: '', both: undefined }

export function accountOf(event: Event): readonly [principal: string] {
  begin(event)
  return (last.account ??= [event.warden.principal])
}

export function accountAndModel(event: Event, model: string): readonly [principal: string, model: string] {
  begin(event)
  if (last.both !== undefined && last.model === model) return last.both
  last.model = model
  return (last.both = [event.warden.principal, model])
}

function begin(event: Event): void {
  if (last.event === event) return
  last.event = event
  last.account = last.both = undefined
}
