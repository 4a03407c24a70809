/**
 * Whether an account asks more like its cell-mates of other tenants than like everybody else.
 *
 * Where sharing a network or a program means nothing, the closest of m accounts is each of them with the same
 * probability: a rank test that needs no history. Those who have been found to be of a crowd are nobody to compare
 * others with, nor is who asks what honest accounts do not, whether it was found or not: beside thieves all honest
 * accounts are alike.
 */
import { recentMax, type Recent } from './recent.ts'

const matesMin = 3
const othersMin = 8
/** Room for accounts that are alike for a reason, beyond chance. */
const alikeRoom = 1.3
/** Mates that are compared for each other account. */
const matesPerOther = 0.6

/** By slot, what it is to the cell that is looked at: somebody else's query, a cell-mate's, or one that is not compared. */
const marks = new Uint8Array(recentMax)
const [other, mate, leftOut] = [0, 1, 2]

/** Who of those that asked last are mates: of a network or a program, or of any network that several tenants come from. */
export type Mates =
  | { readonly of: 'network' | 'agent'; readonly number: number }
  | { readonly of: 'crowded'; readonly isCrowded: (network: number) => boolean }

/** The logarithm of the evidence that the account asks alike its cell-mates; 0 where there are too few to compare with. */
export function alikeMates(recent: Recent, of: Mates): number {
  if (of.of !== 'crowded') {
    // Told without looking at each, as it mostly is.
    const known = recent.accountsOf(of.number)
    if (known < matesMin || recent.accounts - known < othersMin) return 0
  }
  const neighbors = recent.neighbors()
  if (neighbors < matesMin + othersMin) return 0
  const { mates, others } = mark(recent, neighbors, of)
  if (mates < matesMin || others < othersMin) return 0
  // More mates find more that is alike, and make it more likely by chance.
  const count = Math.max(matesMin, Math.min(mates, Math.floor(matesPerOther * others)))
  for (let n = neighbors - 1, more = mates - count; more > 0; n--) {
    const slot = recent.slots[n]!
    if (marks[slot] !== mate) continue
    marks[slot] = leftOut
    more--
  }
  const share = (alikeRoom * count) / (count + others) + 0.02
  const bet = (1 + share) / 2
  return closestOf(recent, neighbors) === mate ? Math.log(bet / share) : Math.log((1 - bet) / (1 - share))
}

/** Marks the neighbors; how many of them are mates, and how many others to compare with. */
function mark(recent: Recent, neighbors: number, of: Mates): { mates: number; others: number } {
  const numbers = of.of === 'agent' ? recent.agents : recent.networks
  const { slots } = recent
  let mates = 0
  let others = 0
  for (let n = 0; n < neighbors; n++) {
    const slot = slots[n]!
    const number = numbers[slot]!
    if (of.of === 'crowded' ? of.isCrowded(number) : number === of.number) {
      marks[slot] = mate
      mates++
    } else if (recent.isOfCrowd(slot) || recent.isOdd(slot)) marks[slot] = leftOut
    else {
      marks[slot] = other
      others++
    }
  }
  return { mates, others }
}

/** Whose query is closest: of those that are close by their sketches, whoever they are, or else by its sketch alone. */
function closestOf(recent: Recent, neighbors: number): number {
  const nearest = recent.nearest()
  for (let n = 0; n < nearest; n++) {
    const mark = marks[recent.near(n)]!
    if (mark !== leftOut) return mark
  }
  let [closest, least] = [other, Infinity]
  for (let n = 0; n < neighbors; n++) {
    const mark = marks[recent.slots[n]!]!
    const distance = recent.sketchedDistance(n)
    if (mark === leftOut || distance >= least) continue
    least = distance
    closest = mark
  }
  return closest
}
