/** What one account has asked of a model: the mean of its embeddings, and how long its last answers were. Pure. */

/** Calls that the mean is about, and answers of which it is known how long they are. */
const meanOver = 128
const answersMax = 8
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
    for (let k = 0; k < x.length; k++) this.mean[k]! += share * (x[k]! - this.mean[k]!)
    this.lastMs = Math.max(this.lastMs, timeMs)
  }

  /** Expected squared distance of the mean to what it is the mean of: embeddings have length one. */
  get scatter(): number {
    let squares = 0
    for (const value of this.mean) squares += value * value
    return Math.max(1e-6, 1 - squares) / (Math.min(this.calls, meanOver) - 1)
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

/** Of the prompts that a mean is of: the expected squared distance to what it is the mean of. */
export function spreadOf({ mean, scatter }: Center): number {
  let squares = 0
  for (const value of mean) squares += value * value
  return 1 - squares + scatter
}

export function squaredDistance(a: Center['mean'], b: Center['mean']): number {
  let sum = 0
  for (let k = 0; k < a.length; k++) sum += (a[k]! - b[k]!) ** 2
  return sum
}

function unpacked(mean: string): Float32Array {
  const bytes = Buffer.from(mean, 'base64')
  return Float32Array.from({ length: bytes.length / 4 }, (_, k) => bytes.readFloatLE(4 * k))
}

export function packedZeros(length: number): string {
  return Buffer.alloc(4 * length).toString('base64')
}
