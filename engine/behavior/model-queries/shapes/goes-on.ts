/**
 * Whether the last inputs about one place go on from those of one class alone: a search that is answered so or
 * otherwise goes back to the newest that was answered as it wants, and asks again around that (Brendel et al. 2018).
 * What the world moves goes on from where it was, and what noise puts about one place is nearest to any. Pure.
 */
import { distance } from '../../input/rows.ts'

/** So many must have gone back past a newer one of another class. */
const backMin = 2

/** `inputs`: those about one place, newest first, and `classes` those they were answered with. */
export function goesOnFromOne(inputs: readonly ArrayLike<number>[], classes: readonly number[]): boolean {
  const [back, on] = [new Map<number, number>(), new Set<number>()]
  for (let n = 0; n + 2 < inputs.length; n++) {
    let [least, from] = [Infinity, n + 1]
    for (let older = n + 1; older < inputs.length; older++) {
      const away = distance(inputs[n]!, inputs[older]!)
      if (away < least) [least, from] = [away, older]
    }
    const newest = classes[n + 1]!
    // Of the class of the newest it goes on from, it has gone on.
    on.add(classes[from]!)
    if (classes[from] !== newest) back.set(newest, (back.get(newest) ?? 0) + 1)
  }
  for (const [left, count] of back) if (count >= backMin && !on.has(left)) return true
  return false
}
