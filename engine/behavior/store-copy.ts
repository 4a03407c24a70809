/**
 * What the store itself copies for somebody: hardly a byte is sent then to whoever asks for it. Who reads is sent what
 * is read, wherever that is put afterwards.
 */
import type { Event } from '../../core/event.ts'
import type { EventContext } from './types.ts'

export function isStoreCopy({ event, warden: { asset } }: Event): boolean {
  const destination = asset?.['destination']
  return typeof destination === 'string' && destination !== '' && event.type?.includes('access') !== true
}

/**
 * Between registered places of one asset: whoever reads the copy there is counted there, so nobody has taken anything yet.
 */
export function staysAtHome(event: Event, { inventory }: EventContext): boolean {
  const { asset } = event.warden
  return isStoreCopy(event) && inventory.locations.keep(event.organization.id, asset!.id, String(asset!['destination']))
}
