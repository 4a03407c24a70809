/** Which groups are due first: in order of due time, and among themselves. Pure. */

/** A group among others. */
export interface Ordered<Group> {
  /** Below 0: it comes before the other, whatever happened to either. */
  compareTo(other: Group): number
}

export interface Due<Group> {
  readonly dueMs: number
  readonly group: Group
}

/** Stretches that due times are divided into, so that of many only few are sorted. */
const stretches = 256

/** Those that are due first, at most so many, in order. */
export function leastOf<Group extends Ordered<Group>>(all: Due<Group>[], count: number): Group[] {
  const among = all.length <= count ? all : soonest(all, count)
  const groups = among
    .sort((a, b) => (a.dueMs === b.dueMs ? a.group.compareTo(b.group) : a.dueMs - b.dueMs))
    .map(({ group }) => group)
  return groups.length <= count ? groups : groups.slice(0, count)
}

/** At least so many, none of which is due after one that is left out. */
function soonest<Group>(all: Due<Group>[], count: number): Due<Group>[] {
  let least = Infinity
  let most = -Infinity
  for (const { dueMs } of all) {
    if (dueMs < least) least = dueMs
    if (dueMs > most) most = dueMs
  }
  if (!(most - least < Infinity)) return all
  const stretchOf = (dueMs: number): number => Math.floor(((dueMs - least) * (stretches - 1)) / (most - least || 1))
  const sizes = new Array<number>(stretches).fill(0)
  for (const { dueMs } of all) sizes[stretchOf(dueMs)]!++
  let last = 0
  for (let sum = sizes[0]!; sum < count; sum += sizes[++last]!);
  return all.filter(({ dueMs }) => stretchOf(dueMs) <= last)
}
