/**
 * What a record's neighbors name when some of its positions are left out: whether the rest of it speaks for its label.
 */
import type { Exemplar, Named } from './exemplars.ts'

/**
 * Of `strangers`, which all have as many values, the `k` nearest by the positions left; undefined: too few records, or
 * less than half of the positions is left.
 */
export function namesWithout(
  strangers: readonly Exemplar[],
  k: number,
): (vector: readonly number[], positions: readonly number[]) => Named | undefined {
  return (vector, positions) => {
    if (2 * positions.length > vector.length) return undefined
    const left = [...vector.keys()].filter((position) => !positions.includes(position))
    const nearest: [distance: number, label: string][] = []
    for (const { v, l } of strangers) {
      let distance = 0
      for (const position of left) distance += (v[position]! - vector[position]!) ** 2
      if (nearest.length < k || distance < nearest[k - 1]![0]) {
        let at = nearest.length
        while (at > 0 && nearest[at - 1]![0] > distance) at--
        nearest.splice(at, 0, [distance, l])
        if (nearest.length > k) nearest.pop()
      }
    }
    if (nearest.length < k) return undefined
    const votes = new Map<string, number>()
    for (const [, label] of nearest) votes.set(label, (votes.get(label) ?? 0) + 1)
    return [...votes]
  }
}
