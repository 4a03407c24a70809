/** Evasion, inversion and membership inference, each by one account over several models. */
import type { Victim } from '../victims/victim.ts'
import { boundaryAttack, hopSkipJump, nesEvasion, simba, square, zoo } from './evasion.ts'
import type { Attack } from './oracle.ts'
import {
  augmentedMembership,
  columnwiseInversion,
  coordinateInversion,
  distantMembership,
  gradientFreeInversion,
  guidedInversion,
  recordMembership,
} from './privacy.ts'
import { addRun, vectorVictims, victimsFor, type Scenario } from './scenario.ts'

function search(
  name: string,
  attack: (attack: Attack) => void,
  accepted: readonly string[],
  queries: readonly [number, number] = [350, 600],
  fits: (victim: Victim) => boolean = vectorVictims,
): Scenario {
  return {
    name,
    make: (stage) => {
      const victims = victimsFor(stage, 3, fits)
      for (const victim of victims) addRun(stage, { victim, attack, accepted, queries })
      return victims
    },
  }
}

const evasion = ['boundary-search']
// Both feel their way along slopes, with a different aim that a single step does not show.
const evasionByScore = ['boundary-search', 'inversion']
const inversion = ['inversion', 'boundary-search']
const membership = ['membership-inference']

export const searchScenarios: readonly Scenario[] = [
  search('hopskipjump', hopSkipJump, evasion),
  search('boundary attack', boundaryAttack, evasion),
  search('square', square, evasionByScore),
  search('nes', nesEvasion, evasionByScore),
  search('zoo', zoo, evasionByScore),
  search('simba', simba, evasionByScore),
  search('inversion without slopes', gradientFreeInversion, inversion),
  search('inversion by confidence', guidedInversion, inversion),
  search('inversion by column', columnwiseInversion, inversion),
  search('inversion by coordinates', coordinateInversion, inversion),
  search('membership of records', recordMembership, membership, [120, 220], () => true),
  search('membership by augmentation', augmentedMembership, membership, [200, 350]),
  // Until several records have been tried, it is a search for the boundary and nothing else.
  search('membership by distance', distantMembership, [...membership, ...evasion]),
]
