/** Inputs as rows of numbers: what 16 bits keep of them, how far apart they are, which is closest. Pure. */

/** The greatest number of 16 bits. */
const keepableMost = 65_504

/** What is larger is kept as the greatest number that can be: of two that are infinite nothing tells how far they are apart. */
export function keepable(value: number): number {
  if (value > keepableMost) return keepableMost
  return value < -keepableMost ? -keepableMost : value
}

/** Euclidean, in the units of the inputs. */
export function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2
  return Math.sqrt(sum)
}

/**
 * Of the first `count` rows of as many numbers as `x` has, the one that is closest to it and not the same; -1: none is
 * closer than the root of `least`.
 */
export function closestRow(numbers: Float16Array, x: Float64Array, count: number, least: number): number {
  let place = -1
  for (let row = 0, first = 0; row < count; row++, first += x.length) {
    let sum = 0
    for (let n = 0; n < x.length && sum < least; n++) {
      const difference = x[n]! - numbers[first + n]!
      sum += difference * difference
    }
    if (sum > 0 && sum < least) {
      least = sum
      place = row
    }
  }
  return place
}
