/**
 * What the store itself copies for somebody: hardly a byte is sent then to whoever asks for it. Who reads is sent what
 * is read, wherever that is put afterwards.
 */
import type { Event } from '../../core/event.ts'

export function isStoreCopy({ event, warden: { asset } }: Event): boolean {
  const destination = asset?.['destination']
  return typeof destination === 'string' && destination !== '' && event.type?.includes('access') !== true
}
