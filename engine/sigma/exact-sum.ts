/**
 * The exact sum, rounded once when it is asked for: it is the same in whatever order values came and went. Kept as numbers that
 * add up to it without loss, of growing size and without common bits (Shewchuk 1997, "Adaptive Precision Floating-Point
 * Arithmetic", Grow-Expansion); of whole numbers as bytes and tokens it is one.
 */
export class ExactSum {
  readonly #parts: number[] = []

  add(value: number): void {
    const parts = this.#parts
    let length = 0
    let sum = value
    for (let at = 0; at < parts.length; at++) {
      const part = parts[at]!
      const high = sum + part
      const lost = Math.abs(sum) < Math.abs(part) ? sum - (high - part) : part - (high - sum)
      if (lost !== 0) parts[length++] = lost
      sum = high
    }
    parts.length = length
    if (sum !== 0) parts.push(sum)
  }

  get value(): number {
    const parts = this.#parts
    let at = parts.length - 1
    let sum = parts[at] ?? 0
    let lost = 0
    while (at > 0 && lost === 0) {
      const part = parts[--at]!
      const high = sum + part
      lost = part - (high - sum)
      sum = high
    }
    // Half of the last place was lost: what is smaller still decides to which side.
    if (at > 0 && lost < 0 === parts[at - 1]! < 0) {
      const next = sum + 2 * lost
      if (next - sum === 2 * lost) return next
    }
    return sum
  }
}
