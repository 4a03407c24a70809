/**
 * Whether an input and an earlier one are the same but for what is masked in either: its pieces are put to one and the same value, as
 * explanations do (Zeiler and Fergus 2014, occlusion; Ribeiro et al. 2016, LIME). Which pieces does not depend on the answers. Pure.
 */

/** Fewest values that are masked, different ones of those that they had, and what of the input is seen in both. */
const maskedMin = 3
const variousMin = 3
const seenShare = 0.25

/** `ring`: the last inputs; `changes`: in how many values each differs from `x`. */
export function isMasked(x: Float64Array, ring: readonly Float64Array[], changes: ArrayLike<number>): boolean {
  for (let n = 0; n < ring.length; n++) {
    if (changes[n]! < maskedMin) continue
    const earlier = ring[n]!
    let first = 0
    while (x[first] === earlier[first]) first++
    if (isMaskedBy(x[first]!, x, earlier) || isMaskedBy(earlier[first]!, x, earlier)) return true
  }
  return false
}

/** Whether wherever the two differ one of them is the mask, and what it hides is no such value itself, as a patch over a background is. */
function isMaskedBy(mask: number, x: Float64Array, earlier: Float64Array): boolean {
  let [masked, seen, various, one, another] = [0, 0, 0, mask, mask]
  for (let i = 0; i < x.length; i++) {
    const [a, b] = [x[i]!, earlier[i]!]
    if (a === b) {
      if (a !== mask) seen++
      continue
    }
    if (a !== mask && b !== mask) return false
    masked++
    const hidden = a === mask ? b : a
    if (various < variousMin && hidden !== one && hidden !== another) {
      various++
      another = one
      one = hidden
    }
  }
  return masked >= maskedMin && various >= variousMin && seen >= seenShare * masked
}
