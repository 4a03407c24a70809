/**
 * The places that a key is used from: network, kind of program and country together, the least recently used first.
 */
import { countryOf, leastDistanceKm } from './countries.ts'
import type { KeyUse } from './params.ts'

/** Remembered of one key; the one with the fewest calls among the older half goes first. */
const placesKept = 10

export interface Place {
  readonly network: string
  readonly agent: string
  readonly country: string
  readonly firstMs: number
  lastMs: number
  calls: number
}

export function placeOf({ network, agent, country, timeMs }: KeyUse): Place {
  return { network, agent, country, firstMs: timeMs, lastMs: timeMs, calls: 0 }
}

function isAt(place: Place, use: KeyUse): boolean {
  return place.network === use.network && place.agent === use.agent && place.country === use.country
}

/** The place of a use, put last; made where it is new. */
export function visit(places: Place[], use: KeyUse): { readonly place: Place; readonly fresh: boolean } {
  const last = places[places.length - 1]
  if (last !== undefined && isAt(last, use)) {
    last.calls++
    return { place: last, fresh: false }
  }
  const at = places.findIndex((place) => isAt(place, use))
  const known = at < 0 ? undefined : places.splice(at, 1)[0]
  const place = known ?? placeOf(use)
  if (places.length >= placesKept) {
    const older = places.slice(0, placesKept / 2)
    places.splice(places.indexOf(older.reduce((a, b) => (b.calls < a.calls ? b : a))), 1)
  }
  places.push(place)
  place.calls++
  return { place, fresh: known === undefined }
}

/** The speed that somebody would have had to travel with, in km/h; 0 where it could be anything. */
export function speedNeeded(from: Place, to: KeyUse): number {
  const [a, b] = [countryOf(from.country), countryOf(to.country)]
  if (a === undefined || b === undefined || from.country === to.country) return 0
  const hours = Math.abs(to.timeMs - from.lastMs) / 3_600_000
  // Clocks of gateways differ; a second is more than they should.
  return leastDistanceKm(a, b) / Math.max(hours, 1 / 3_600)
}

export interface Crowd {
  readonly networks: number
  readonly agents: number
  readonly countries: number
}

/** How many different places are in use at a time. */
export function inUse(places: readonly Place[], timeMs: number, activeMs: number): Crowd {
  const active = places.filter(({ lastMs, calls }) => timeMs - lastMs <= activeMs && calls > 0)
  const different = (of: (place: Place) => string): number => new Set(active.map(of).filter((text) => text !== '')).size
  return {
    networks: different(({ network }) => network),
    agents: different(({ agent }) => agent),
    countries: different(({ country }) => country),
  }
}
