/**
 * Whether an account asks more like its cell-mates of other tenants than like everybody else.
 *
 * Where sharing a network or a program means nothing, the closest of m accounts is each of them with the same probability: a
 * rank test that needs no history.
 */
import { recentMax, type Recent } from './recent.ts'

const matesMin = 3
const othersMin = 8
/** Room for accounts that are alike for a reason, beyond chance. */
const alikeRoom = 1.3
/** Mates that are compared for each other account. */
const matesPerOther = 0.6

/** By slot, what it is to the cell that is looked at: somebody else's query, a cell-mate's, or one of a mate too many. */
const marks = new Uint8Array(recentMax)
const [other, mate, tooMany] = [0, 1, 2]

/** The logarithm of the evidence that the account asks alike its cell-mates; 0 where there are too few to compare with. */
export function alikeMates(recent: Recent, isMate: (slot: number) => boolean): number {
  const neighbors = recent.neighbors()
  if (neighbors < matesMin + othersMin) return 0
  let mates = 0
  for (let n = 0; n < neighbors; n++) {
    const slot = recent.neighbor(n)
    const is = isMate(slot)
    marks[slot] = is ? mate : other
    if (is) mates++
  }
  const others = neighbors - mates
  if (mates < matesMin || others < othersMin) return 0
  // More mates find more that is alike, and make it more likely by chance.
  const count = Math.max(matesMin, Math.min(mates, Math.floor(matesPerOther * others)))
  for (let n = neighbors - 1; mates > count; n--) {
    const slot = recent.neighbor(n)
    if (marks[slot] !== mate) continue
    marks[slot] = tooMany
    mates--
  }
  const share = (alikeRoom * count) / (count + others) + 0.02
  const bet = (1 + share) / 2
  return closestOf(recent, neighbors) === mate ? Math.log(bet / share) : Math.log((1 - bet) / (1 - share))
}

/** Whose query is closest: of those that are close by their sketches, whoever they are, or else by its sketch alone. */
function closestOf(recent: Recent, neighbors: number): number {
  const nearest = recent.nearest()
  for (let n = 0; n < nearest; n++) {
    const mark = marks[recent.near(n)]!
    if (mark !== tooMany) return mark
  }
  let [closest, least] = [other, Infinity]
  for (let n = 0; n < neighbors; n++) {
    const mark = marks[recent.neighbor(n)]!
    const distance = recent.sketchedDistance(n)
    if (mark === tooMany || distance >= least) continue
    least = distance
    closest = mark
  }
  return closest
}
