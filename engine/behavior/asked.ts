/** What one account has asked of a model: the mean of its embeddings, and how long its last answers were. Pure. */

/** Calls that the mean is about, and answers of which it is known how long they are. */
const meanOver = 128
const answersMax = 8
/**
 * Means of one kind differ by their scatter on average, and by so many times that once in 600 times where they differ
 * in one direction.
 */
const doubtTimes = 10
export interface AskedJson {
  readonly tenant: string
  readonly mean: string
  readonly calls: number
  readonly firstMs: number
  readonly lastMs: number
  readonly pool?: string
  /** Tokens of the last answers; states of before have none. */
  readonly answers?: readonly number[]
  /** It comes in sessions. */
  readonly sessions?: true
}

/** A mean, and its expected squared distance to what it is the mean of. */
export interface Center {
  readonly mean: Float32Array | Float64Array
  readonly squares: number
  readonly scatter: number
}

export class Asked {
  readonly tenant: string
  /** To as many digits as the state has. */
  readonly mean: Float32Array
  calls: number
  readonly firstMs: number
  lastMs: number
  pool: string | undefined
  readonly answers: number[]
  sessions: true | undefined
  /** Squared length of the mean, once it was asked for. */
  #squares: number | undefined

  constructor({ tenant, mean, calls, firstMs, lastMs, pool, answers = [], sessions }: AskedJson) {
    this.tenant = tenant
    this.mean = unpacked(mean)
    this.calls = calls
    this.firstMs = firstMs
    this.lastMs = lastMs
    this.pool = pool
    this.answers = [...answers]
    this.sessions = sessions
  }

  add(x: Float64Array, timeMs: number, answer: number | undefined): void {
    this.calls++
    if (answer !== undefined && this.answers.push(answer) > answersMax) this.answers.shift()
    const share = 1 / Math.min(this.calls, meanOver)
    const { mean } = this
    for (let k = 0; k < x.length; k++) mean[k]! += share * (x[k]! - mean[k]!)
    this.#squares = undefined
    this.lastMs = Math.max(this.lastMs, timeMs)
  }

  /** Expected squared distance of the mean to what it is the mean of: embeddings have length one. */
  get scatter(): number {
    return Math.max(1e-6, 1 - this.squares) / (Math.min(this.calls, meanOver) - 1)
  }

  get squares(): number {
    return (this.#squares ??= squaresOf(this.mean))
  }

  toJSON(): AskedJson {
    const { tenant, calls, firstMs, lastMs, pool, answers, sessions } = this
    const mean = Buffer.from(this.mean.buffer).toString('base64')
    return {
      tenant,
      mean,
      calls,
      firstMs,
      lastMs,
      ...(pool === undefined ? {} : { pool }),
      ...(answers.length === 0 ? {} : { answers }),
      ...(sessions === undefined ? {} : { sessions }),
    }
  }
}

/** The mean of means, each with the same say. */
export function centerOf(all: readonly Center[], length: number): Center | undefined {
  if (all.length === 0) return undefined
  const mean = new Float64Array(length)
  let scatter = 0
  for (const each of all) {
    const own = each.mean
    for (let k = 0; k < length; k++) mean[k]! += own[k]! / all.length
    scatter += each.scatter / all.length ** 2
  }
  return { mean, squares: squaresOf(mean), scatter }
}

/** Whether an account may be of a kind, though it is not known to be: its answers then tell nothing of others'. */
export function mayBeOf({ mean, scatter }: Asked, center: Center): boolean {
  return squaredDistance(mean, center.mean) <= doubtTimes * (scatter + center.scatter)
}

/**
 * How far means are from that of all, in multiples of what their scatter makes of it: about 1 where none has a subject
 * of its own.
 */
export function apartOf(all: readonly Center[], center: Center): number {
  let [distances, scatter] = [0, 0]
  for (const each of all) {
    distances += squaredDistance(each.mean, center.mean)
    scatter += each.scatter
  }
  return all.length < 2 ? Infinity : distances / (scatter * (1 - 1 / all.length))
}

/** Of the prompts that a mean is of: the expected squared distance to what it is the mean of. */
export function spreadOf({ squares, scatter }: Center): number {
  return 1 - squares + scatter
}

export function squaresOf(mean: Center['mean']): number {
  let squares = 0
  for (let k = 0; k < mean.length; k++) squares += mean[k]! * mean[k]!
  return squares
}

export function squaredDistance(a: Center['mean'], b: Center['mean']): number {
  return squaredDistanceUpTo(a, b, Infinity)
}

/** As soon as it is past `most`, what it has come to. */
export function squaredDistanceUpTo(a: Center['mean'], b: Center['mean'], most: number): number {
  let sum = 0
  for (let k = 0; k < a.length && sum <= most; k++) {
    const difference = a[k]! - b[k]!
    sum += difference * difference
  }
  return sum
}

function unpacked(mean: string): Float32Array {
  const bytes = Buffer.from(mean, 'base64')
  return Float32Array.from({ length: bytes.length / 4 }, (_, k) => bytes.readFloatLE(4 * k))
}

export function packedZeros(length: number): string {
  return Buffer.alloc(4 * length).toString('base64')
}
