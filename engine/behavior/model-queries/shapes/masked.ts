/**
 * Whether an input and an earlier one are the same but for what is masked in either: its pieces are put to one and the
 * same value, as explanations do (Zeiler and Fergus 2014, occlusion; Ribeiro et al. 2016, LIME). Which pieces does not
 * depend on the answers. Who fills what was masked with something else goes on to other inputs, a piece at a time.
 * Pure.
 */

/** Fewest values that are masked, different ones of those that they had, and what of the input is seen in both. */
const maskedMin = 3
const variousMin = 3
const seenShare = 0.25

/**
 * A piece is shown again as it was: of so many of the newest inputs one must be masked from the same, and all of the
 * last ones that are must agree.
 */
const matesMax = 4

/** `ring`: the last inputs, newest first; `changes`: in how many values each differs from `x`. */
export function isMasked(x: Float64Array, ring: readonly ArrayLike<number>[], changes: ArrayLike<number>): boolean {
  for (let n = 0; n < ring.length && n < matesMax; n++) {
    if (changes[n]! < maskedMin) continue
    const earlier = ring[n]!
    const mask = maskBetween(x, earlier)
    if (mask !== undefined && ring.every((other) => agrees(mask, x, other) || !isOneWith(earlier, other))) return true
  }
  return false
}

/** The value that makes two inputs one but for where either has it. */
function maskBetween(x: ArrayLike<number>, earlier: ArrayLike<number>): number | undefined {
  let first = 0
  while (first < x.length && x[first] === earlier[first]) first++
  if (first === x.length) return undefined
  const [one, other] = [x[first]!, earlier[first]!]
  if (isMaskedBy(one, x, earlier)) return one
  return isMaskedBy(other, x, earlier) ? other : undefined
}

function isOneWith(x: ArrayLike<number>, earlier: ArrayLike<number>): boolean {
  return maskBetween(x, earlier) !== undefined
}

function agrees(mask: number, x: Float64Array, other: ArrayLike<number>): boolean {
  return x.every((value, i) => value === other[i] || value === mask || other[i] === mask)
}

/**
 * Whether wherever the two differ one of them is the mask, and what it hides is no such value itself, as a patch over a
 * background is.
 */
function isMaskedBy(mask: number, x: ArrayLike<number>, earlier: ArrayLike<number>): boolean {
  let masked = 0
  let seen = 0
  let various = 0
  let one = mask
  let another = mask
  for (let i = 0; i < x.length; i++) {
    const a = x[i]!
    const b = earlier[i]!
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

/** Fewest of the last inputs by which values that are one of two are told, and what of all values one has in common with each. */
const alikeMin = 2
const commonShare = 0.5

/**
 * Whether an input and some of the last have most of their values in common, and of the others each is one of two: its
 * own, or what is usual of it, as explanations of tables are asked (Ribeiro et al. 2016). What is common is counted
 * without the ends of the scale, which are of the background.
 */
export function isOneOfTwo(x: Float64Array, ring: readonly ArrayLike<number>[], changes: ArrayLike<number>): boolean {
  let near = 0
  for (let n = 0; n < ring.length; n++) if (changes[n]! < commonShare * x.length) near++
  if (near < alikeMin) return false
  const alike = alikeOf(x, ring, changes)
  return alike.length >= alikeMin && areOfTwo(x, alike)
}

/**
 * Whether, of one whose values are one of two, those are others than the two of what is alike with those that it is
 * alike with.
 */
export function isOfOtherTwo(x: Float64Array, ring: readonly ArrayLike<number>[], changes: ArrayLike<number>): boolean {
  const alike = alikeOf(x, ring, changes)
  for (let n = 0; n < alike.length; n++) {
    for (const other of ring) if (!alike.includes(other) && isAlike(alike[n]!, other)) alike.push(other)
  }
  return !areOfTwo(x, alike)
}

function alikeOf(x: Float64Array, ring: readonly ArrayLike<number>[], changes: ArrayLike<number>): ArrayLike<number>[] {
  return ring.filter((earlier, n) => changes[n]! < commonShare * x.length && isAlike(x, earlier))
}

function areOfTwo(x: Float64Array, alike: readonly ArrayLike<number>[]): boolean {
  for (let i = 0; i < x.length; i++) {
    let other = x[i]!
    for (const earlier of alike) {
      if (earlier[i] === x[i]) continue
      if (other !== x[i] && other !== earlier[i]) return false
      other = earlier[i]!
    }
  }
  return true
}

function isAlike(x: ArrayLike<number>, earlier: ArrayLike<number>): boolean {
  return commonOf(x, earlier) > commonShare * x.length
}

function commonOf(x: ArrayLike<number>, earlier: ArrayLike<number>): number {
  let common = 0
  for (let i = 0; i < x.length; i++) if (x[i] === earlier[i] && x[i] !== 0 && x[i] !== 1) common++
  return common
}
