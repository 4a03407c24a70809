/**
 * Of accounts those whose prompts are of one kind: whose means differ by no more than their scatter makes them, as far
 * as others are away (crowd/prompts/likeness.ts). A set that is split among accounts is of one kind in each of them.
 * Where nobody's prompts have an embedding, all of them are.
 *
 * The one that is least like the mean of the others goes first, until all are alike. Pure.
 */
import { Asked, centerOf, squaredDistance, type AskedJson } from '../asked.ts'

/**
 * Prompts by which an account's mean is known: by fewer of each, a writer is as like two of a hand as they are like
 * each other.
 */
const askedMin = 4
/** Beside what the scatter makes of it, a distance may be so much more of it, and so much of that to those who are unlike. */
const scatterRoom = 0.8
const likeMost = 0.1
/** Of all others so many, and at least four, are unlike. */
const unlikeShare = 0.1
const unlikeMin = 4

interface Asking {
  readonly asked?: AskedJson
}

export function ofOneKind<One extends Asking>(accounts: readonly One[], all: readonly Asking[]): readonly One[] {
  const opened = new Map(all.flatMap((each) => (isKnown(each) ? [[each, new Asked(each.asked!)] as const] : [])))
  if (opened.size === 0) return accounts
  let left = accounts.filter((each) => opened.has(each))
  for (;;) {
    const [least, excess] = leastLike(left, opened)
    if (least === undefined || excess <= 1) return left
    left = left.filter((each) => each !== least)
  }
}

function isKnown({ asked }: Asking): boolean {
  return asked !== undefined && asked.calls >= askedMin
}

/** Which is the farthest from the mean of the others, in multiples of what one of their kind may be. */
function leastLike<One extends Asking>(
  accounts: readonly One[],
  opened: ReadonlyMap<Asking, Asked>,
): [least: One | undefined, excess: number] {
  let [least, most]: [One | undefined, number] = [undefined, 0]
  for (const one of accounts) {
    const asked = opened.get(one)!
    const others = accounts.flatMap((each) => (each === one ? [] : [opened.get(each)!]))
    const center = centerOf(
      others.filter(({ mean }) => mean.length === asked.mean.length),
      asked.mean.length,
    )
    if (center === undefined) continue
    const may = (1 + scatterRoom) * (asked.scatter + center.scatter) + likeMost * unlikeOf(asked, [...opened.values()])
    const excess = squaredDistance(asked.mean, center.mean) / may
    if (excess > most) [least, most] = [one, excess]
  }
  return [least, most]
}

/** Squared distance, without scatter, to those that are least like it. */
function unlikeOf(asked: Asked, all: readonly Asked[]): number {
  const apart = all
    .filter((each) => each !== asked && each.mean.length === asked.mean.length)
    .map((each) => squaredDistance(asked.mean, each.mean) - asked.scatter - each.scatter)
    .sort((a, b) => b - a)
  return Math.max(0, apart[Math.max(unlikeMin, Math.ceil(unlikeShare * apart.length)) - 1] ?? 0)
}
