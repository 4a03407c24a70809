/**
 * What one account holds of a model, in the form to work in: opened over a block (holdings-block.ts), changed, and put back.
 *
 * It begins small: how much was asked, and how many different inputs (HyperLogLog: Flajolet et al. 2007; 128 registers, an
 * error of about 7 %, less below two hundred). From the twelfth different query on copies are kept with it (copies.ts).
 */
import { at, headSize, HoldingsBlock, recentSize, registers, sizeOf, type Layout } from './holdings-block.ts'

/** Different queries before copies are begun: most accounts never get there. */
const beginAt = 12
/** What a register adds to the sum: half as much for each rank more. */
const shares = Float64Array.from({ length: 256 }, (_, rank) => 2 ** -rank)
/** Copies learn from so many different queries one by one; of later ones from a quarter. */
const allUpTo = 64

/** What an estimate says of a copy; the greatest under earlier landmarks is kept. */
export interface Estimate {
  readonly coverage: number
  /** NaN where answers are not told. */
  readonly fidelity: number
  readonly low: number
  readonly high: number
}

/** Of a finding that was first told at so many answers. */
export function versionAt(answers: number, first: number): number {
  return 1 + Math.max(0, Math.floor(Math.log2(answers / Math.max(1, first))))
}

export class Holdings {
  readonly layout: Layout
  readonly #bytes: Buffer
  readonly #head: Float64Array
  readonly #recent: Uint32Array
  readonly #registers: Uint8Array
  /** Linear copy: squared steps of each class, and weights as multiples of 1/1024. */
  readonly steps: Float32Array
  readonly weights: Int16Array
  /** For each landmark the closest query: how far, and which answer it got. */
  readonly distances: Uint16Array
  readonly answers: Uint8Array

  constructor(layout: Layout) {
    const buffer = new ArrayBuffer(sizeOf(layout))
    const { count, places, classes } = layout
    this.layout = layout
    this.#bytes = Buffer.from(buffer)
    this.#head = new Float64Array(buffer, 0, headSize)
    let offset = headSize * 8
    const next = (bytes: number): number => (offset += bytes) - bytes
    this.#recent = new Uint32Array(buffer, next(recentSize * 4), recentSize)
    this.steps = new Float32Array(buffer, next(classes * 4), classes)
    this.weights = new Int16Array(buffer, next(classes * (places + 1) * 2), classes * (places + 1))
    this.distances = new Uint16Array(buffer, next(count * 2), count)
    this.#registers = new Uint8Array(buffer, next(registers), registers)
    this.answers = new Uint8Array(buffer, next(count), count)
  }

  open(block: HoldingsBlock): void {
    block.copyTo(this.#bytes)
  }

  putBack(block: HoldingsBlock): void {
    block.put(this.#bytes, this.#bytes.length)
  }

  /** Takes note of a query; false: it repeats one of the last. */
  ask(key: number, timeMs: number): boolean {
    this.#head[at.queries]!++
    if (timeMs > this.lastMs) this.#head[at.lastMs] = timeMs
    const slot = key & (recentSize - 1)
    const value = key === 0 ? 1 : key
    if (this.#recent[slot] === value) return false
    this.#recent[slot] = value
    this.#head[at.fresh]!++
    // Keys are well mixed, but whoever makes inputs may know how: what is taken is mixed once more.
    const h = Math.imul(key ^ (key >>> 15), 0x2c1b3c6d) >>> 0
    const mixed = (h ^ (h >>> 12)) >>> 0
    const register = mixed & (registers - 1)
    const rank = Math.clz32((mixed >>> 6) | 0) - 5
    if (rank > this.#registers[register]!) this.#registers[register] = rank
    return true
  }

  /** About how many different inputs were asked. */
  get distinct(): number {
    let sum = 0
    let empty = 0
    for (const rank of this.#registers) {
      sum += shares[rank]!
      if (rank === 0) empty++
    }
    const raw = (0.7153 * registers * registers) / sum
    const counted = raw <= 2.5 * registers && empty > 0 ? registers * Math.log(registers / empty) : raw
    // Never more than were asked without repeating one of the last.
    return Math.min(Math.round(counted), this.#head[at.fresh]!)
  }

  /** Whether there is enough to begin copies with. */
  get ripe(): boolean {
    return this.#head[at.fresh]! >= beginAt
  }

  get firstMs(): number {
    return this.#head[at.firstMs]!
  }

  get lastMs(): number {
    return this.#head[at.lastMs]!
  }

  get queries(): number {
    return this.#head[at.queries]!
  }

  /** Key of the landmarks that its copies are held against. */
  get landmarks(): number {
    return this.#head[at.landmarks]!
  }

  /** Queries that the copies have learned from. */
  get trained(): number {
    return this.#head[at.trained]!
  }

  /** Whether copies learn from this query: from the first all, then from a sample that is the same whatever the order. */
  samples(key: number): boolean {
    return this.trained < allUpTo || Math.imul(key, 0x9e3779b1) >>> 30 === 0
  }

  learned(): void {
    this.#head[at.trained]!++
  }

  /** The version of a finding about it that is due: 1, then one more whenever answers have doubled; 0: none is. */
  findingDue(answers: number): number {
    if (this.#head[at.found] === 0) this.#head[at.found] = answers
    const version = versionAt(answers, this.#head[at.found]!)
    if (version <= this.#head[at.versions]!) return 0
    return (this.#head[at.versions] = version)
  }

  get told(): { readonly at: number; readonly ms: number; readonly queries: number } {
    return { at: this.#head[at.toldAt]!, ms: this.#head[at.toldMs]!, queries: this.#head[at.toldQueries]! }
  }

  tell(timeMs: number): void {
    this.#head[at.toldAt] = this.#head[at.fresh]!
    this.#head[at.toldMs] = timeMs
    this.#head[at.toldQueries] = this.queries
  }

  /** Queries that repeated none of the last. */
  get fresh(): number {
    return this.#head[at.fresh]!
  }

  /** Different inputs of this week and the one before. */
  recentDistinct(week: number): number {
    const head = this.#head
    const distinct = this.distinct
    if (week > head[at.week]!) {
      head[at.weekBefore] = week === head[at.week]! + 1 ? head[at.weekBegan]! : distinct
      head[at.weekBegan] = distinct
      if (head[at.week]! < 0) head[at.weekBefore] = head[at.weekBegan] = 0
      head[at.week] = week
    }
    return distinct - head[at.weekBefore]!
  }

  /** What was estimated last, and what copies under earlier landmarks had reached. */
  get estimate(): Estimate {
    return this.#estimateAt(at.estimate)
  }

  set estimate(estimate: Estimate) {
    this.#putEstimate(at.estimate, estimate)
  }

  get floor(): Estimate {
    return this.#estimateAt(at.floor)
  }

  #estimateAt(from: number): Estimate {
    const [coverage, fidelity, low, high] = this.#head.subarray(from, from + 4)
    return { coverage: coverage!, fidelity: fidelity!, low: low!, high: high! }
  }

  #putEstimate(from: number, { coverage, fidelity, low, high }: Estimate): void {
    this.#head.set([coverage, fidelity, low, high], from)
  }

  /** A block for other landmarks: what was counted stays, copies begin anew, and what earlier ones had reached is kept. */
  moved(layout: Layout, landmarks: number): HoldingsBlock {
    const to = new Holdings(layout)
    to.#head.set(this.#head)
    to.#recent.set(this.#recent)
    to.#registers.set(this.#registers)
    const { count, places, classes } = layout
    to.#head.set([count, places, classes, landmarks], at.count)
    to.#head[at.trained] = 0
    to.#putEstimate(at.floor, this.estimate)
    to.distances.fill(65_535)
    to.answers.fill(255)
    return new HoldingsBlock(to.#bytes)
  }
}
