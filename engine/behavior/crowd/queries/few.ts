/** The few of many that are closest, and distances of rows. Pure. */

/** The few that are closest by their sketches, closest first. */
export class Few {
  readonly slots: Int32Array
  readonly distances: Float64Array
  count = 0

  constructor(max: number) {
    this.slots = new Int32Array(max)
    this.distances = new Float64Array(max)
  }

  /** What is farther is none of them. */
  get most(): number {
    return this.count < this.slots.length ? Infinity : this.distances[this.count - 1]!
  }

  put(slot: number, distance: number): void {
    let at = this.count < this.slots.length ? this.count++ : this.count - 1
    for (; at > 0 && this.distances[at - 1]! > distance; at--) {
      this.distances[at] = this.distances[at - 1]!
      this.slots[at] = this.slots[at - 1]!
    }
    this.distances[at] = distance
    this.slots[at] = slot
  }
}

/** The squared distance of an input to the row that begins at `from`, or something at least as large as `max`. */
export function distanceUpTo(a: Float64Array, rows: Float64Array, from: number, max: number): number {
  let sum = 0
  for (let k = 0; k < a.length && sum < max; k++) {
    const difference = a[k]! - rows[from + k]!
    sum += difference * difference
  }
  return sum
}
