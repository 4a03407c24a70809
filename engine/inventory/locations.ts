/**
 * Where registered assets live: each in one place or several, such as its store and that of another region.
 *
 * Pure. A location is a whole path: `s3://weights` holds `s3://weights/llm` and not `s3://weights-of-others`.
 */
import type { Asset } from '../../core/asset.ts'

export interface Locations {
  /** The same object in the first place of its asset; the URI itself where it lies in none, or in one of several assets. */
  homeOf(tenant: string, uri: string): string
  /** Whether the store's copy stays in places of one asset, and keeps its name as far as the destination tells one. */
  keep(tenant: string, uri: string, destination: string): boolean
}

export const noLocations: Locations = { homeOf: (_, uri) => uri, keep: () => false }

export function locationsOf(assets: readonly Asset[]): Locations {
  /** The first place of each asset by tenant and id, and by tenant and place the assets that live there. */
  const homes = new Map<string, string>()
  const residents = new Map<string, Set<string>>()
  let longest = 0
  for (const { id, tenant, locations } of assets) {
    const asset = `${tenant}\n${id}`
    for (const location of locations.map(withoutSlash)) {
      if (!homes.has(asset)) homes.set(asset, location)
      const place = `${tenant}\n${location}`
      residents.set(place, (residents.get(place) ?? new Set()).add(asset))
      longest = Math.max(longest, location.length)
    }
  }
  /** The innermost place that holds it, and the assets that live there. */
  const placeOf = (tenant: string, uri: string): { place: string; assets: ReadonlySet<string> } | undefined => {
    // Whoever names an object says how deep it lies: deeper than any place it is not looked for.
    const upTo = withoutSlash(uri.slice(0, longest + 1))
    for (let place = upTo; place.includes('://'); place = place.slice(0, place.lastIndexOf('/'))) {
      const assets = residents.get(`${tenant}\n${place}`)
      if (assets !== undefined) return { place, assets }
    }
    return undefined
  }
  return {
    homeOf: (tenant, uri) => {
      const found = placeOf(tenant, uri)
      if (found?.assets.size !== 1) return uri
      return homes.get([...found.assets][0]!)! + uri.slice(found.place.length)
    },
    keep: (tenant, uri, destination) => {
      const from = placeOf(tenant, uri)
      const to = placeOf(tenant, destination)
      if (from === undefined || to === undefined || ![...from.assets].some((asset) => to.assets.has(asset)))
        return false
      return nameOf(destination) === nameOf(uri) || to.place === withoutSlash(destination)
    },
  }
}

function withoutSlash(uri: string): string {
  return uri.endsWith('/') ? uri.slice(0, -1) : uri
}

function nameOf(uri: string): string {
  return uri.slice(uri.lastIndexOf('/') + 1)
}
