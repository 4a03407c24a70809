/**
 * Whether a record is a near copy of one that another source has brought before, against how near strangers' records
 * usually lie.
 */
import type { Neighborhood } from './exemplars.ts'

/** Distances to a stranger's nearest record that the natural scale is taken from, and how many say something. */
const distancesMax = 512
const distancesMin = 30
const usualQuantile = 0.05

/**
 * Undefined: the natural scale is not known yet. `distances`: to strangers' nearest records, the newest last; this
 * one's is added where it is none. `hadBefore`: whether its source had such a record before the one at this place came:
 * who repeats what was its own before somebody copied it is no copyist.
 */
export function isNearCopy(
  distances: number[],
  { strangers, closest }: Neighborhood,
  nearShare: number,
  hadBefore: (within: number, at: number) => boolean,
): boolean | undefined {
  const stranger = strangers.find(({ distance }) => distance > 0)
  const isKnown = distances.length >= distancesMin
  const within = isKnown ? nearShare * lowerQuantile(distances) : 0
  const isNear = closest !== undefined && closest.distance < within
  if (stranger !== undefined && !isNear) {
    distances.push(Math.round(stranger.distance * 1e5) / 1e5)
    if (distances.length > distancesMax) distances.shift()
  }
  return isKnown ? isNear && !hadBefore(within, closest.at) : undefined
}

function lowerQuantile(distances: readonly number[]): number {
  const sorted = [...distances].sort((a, b) => a - b)
  return sorted[Math.floor(usualQuantile * sorted.length)]!
}
