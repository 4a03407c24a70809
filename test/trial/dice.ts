/**
 * Everything that a trial draws, from its seed alone.
 *
 * A fork depends on the seed and its name, not on what was drawn before: a scenario is the same whether others run beside it.
 */
import { normalOf, randomOf } from '../support/random.ts'

export class Dice {
  readonly #name: string
  readonly #unit: () => number
  readonly #normal: () => number

  constructor(name: string) {
    this.#name = name
    this.#unit = randomOf(hashOf(name))
    this.#normal = normalOf(this.#unit)
  }

  fork(name: string | number): Dice {
    return new Dice(`${this.#name}/${name}`)
  }

  unit(): number {
    return this.#unit()
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.#unit()
  }

  /** Both ends are possible. */
  int(low: number, high: number): number {
    return low + Math.floor(this.#unit() * (high - low + 1))
  }

  chance(probability: number): boolean {
    return this.#unit() < probability
  }

  normal(mean = 0, deviation = 1): number {
    return mean + deviation * this.#normal()
  }

  normals(length: number, deviation = 1): number[] {
    return Array.from({ length }, () => this.normal(0, deviation))
  }

  exponential(mean: number): number {
    return -mean * Math.log(1 - this.#unit())
  }

  pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#unit() * from.length)]!
  }

  /** An index, as likely as its weight. */
  weighted(weights: readonly number[]): number {
    let left = this.#unit() * weights.reduce((sum, weight) => sum + weight, 0)
    for (const [n, weight] of weights.entries()) {
      left -= weight
      if (left < 0) return n
    }
    return weights.length - 1
  }

  shuffled<T>(from: readonly T[]): T[] {
    const all = [...from]
    for (let n = all.length - 1; n > 0; n--) {
      const other = this.int(0, n)
      const kept = all[n]!
      all[n] = all[other]!
      all[other] = kept
    }
    return all
  }

  sample<T>(from: readonly T[], count: number): T[] {
    return this.shuffled(from).slice(0, count)
  }

  hex(digits: number): string {
    return Array.from({ length: digits }, () => this.int(0, 15).toString(16)).join('')
  }
}

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let n = 0; n < text.length; n++) hash = Math.imul(hash ^ text.charCodeAt(n), 0x01000193)
  return hash >>> 0
}
