/**
 * How faithful a copy of a model gets with so many natural answers: its learning curve.
 *
 * Learned by the step that learns a model's benign traffic, from what honest accounts were answered: two copies (ridge
 * regression, nearest neighbor) are trained on ever more answers of some accounts and tried on those of others. Where all
 * probabilities are told, the first learns from log-odds, as a thief does: a linear model is then known after about as many
 * answers as it has values, whatever was asked (Tramèr et al. 2016), and others nearly so. Pure; about a tenth of a second a
 * model, once for its landmarks.
 */
import { Ridge } from './ridge.ts'

/** Answers that a copy is trained on. */
const sizes = [25, 50, 100, 200, 400, 800, 1_600] as const
const triedMax = 300
const trainedMax = 1_600
const classesMax = 16
/** Penalties of which the best counts. */
const penalties = [1e-5, 1e-3, 1e-1] as const

export interface Answered {
  readonly x: ArrayLike<number>
  readonly label: string
  /** Logarithms of all probabilities, less their mean; undefined where they are not told. */
  readonly odds?: ArrayLike<number> | undefined
}

export interface ToldCurve {
  /** Answers, and each copy's share of agreement with so many, never falling. */
  readonly at: readonly number[]
  readonly linear: readonly number[]
  readonly nearest: readonly number[]
  /** Answers that they were tried on. */
  readonly tried: number
  /** Whether all probabilities are told. */
  readonly odds: boolean
}

/** Undefined where there is too little. Accounts in an order that does not depend on the order of arrival. */
export function curveOf(accounts: readonly (readonly Answered[])[]): ToldCurve | undefined {
  const tried = mixed(accounts.filter((_, n) => n % 4 === 3)).slice(0, triedMax)
  const trained = mixed(accounts.filter((_, n) => n % 4 !== 3)).slice(0, trainedMax)
  const labels = [...new Set([...trained, ...tried].map(({ label }) => label))].sort()
  if (labels.length < 2 || labels.length > classesMax || tried.length < 30 || trained.length < 50) return undefined
  const copies = [new Linear(trained, labels), new Nearest()]
  const at = [...sizes.filter((size) => size < trained.length), trained.length]
  const shares: number[][] = copies.map(() => [])
  let n = 0
  for (const size of at) {
    for (; n < size; n++) for (const copy of copies) copy.learn(trained[n]!)
    for (const [c, copy] of copies.entries()) shares[c]!.push(copy.shareOf(tried))
  }
  const [linear, nearest] = shares.map(rising) as [number[], number[]]
  const odds = trained.every((each) => each.odds !== undefined)
  return { at, linear, nearest, tried: tried.length, odds }
}

/** In turn from each, so that few of them are already from all. */
function mixed<T>(lists: readonly (readonly T[])[]): T[] {
  const all: T[] = []
  const longest = Math.max(0, ...lists.map(({ length }) => length))
  for (let n = 0; n < longest; n++) for (const list of lists) if (n < list.length) all.push(list[n]!)
  return all
}

function rising(shares: readonly number[]): number[] {
  let most = 0
  return shares.map((share) => (most = Math.max(most, share)))
}

interface Copy {
  learn(answered: Answered): void
  /** Share of these on which it agrees with the model. */
  shareOf(tried: readonly Answered[]): number
}

/** Ridge regression of the log-odds, or of +1 and -1 for the answer, over numbers made of an input. */
class Linear implements Copy {
  readonly #labels: readonly string[]
  readonly #center: Float64Array
  readonly #gain: Float64Array
  #ridge: Ridge | undefined
  /** Of those that it is tried on, which are always the same. */
  #rows: readonly Float64Array[] | undefined
  readonly #target: Float64Array
  readonly #byOdds: boolean

  constructor(trained: readonly Answered[], labels: readonly string[]) {
    const d = trained[0]!.x.length
    this.#labels = labels
    this.#center = new Float64Array(d)
    this.#gain = new Float64Array(d)
    for (const { x } of trained) for (let i = 0; i < d; i++) this.#center[i]! += x[i]! / trained.length
    let total = 0
    for (const { x } of trained) {
      for (let i = 0; i < d; i++) this.#gain[i]! += (x[i]! - this.#center[i]!) ** 2 / trained.length
    }
    for (let i = 0; i < d; i++) total += Math.sqrt(this.#gain[i]!) / d
    for (let i = 0; i < d; i++) this.#gain[i] = 1 / (Math.sqrt(this.#gain[i]!) + 0.1 * total + 1e-9)
    const width = trained[0]!.odds?.length
    this.#byOdds = width !== undefined && width <= classesMax && trained.every(({ odds }) => odds?.length === width)
    this.#target = new Float64Array(this.#byOdds ? width! : labels.length)
  }

  #rowOf(x: ArrayLike<number>): Float64Array {
    const d = this.#center.length
    const row = new Float64Array(d + 1)
    for (let i = 0; i < d; i++) row[i] = (x[i]! - this.#center[i]!) * this.#gain[i]!
    row[d] = 1
    return row
  }

  learn({ x, label, odds }: Answered): void {
    const row = this.#rowOf(x)
    this.#ridge ??= new Ridge(row.length, this.#target.length)
    if (this.#byOdds) this.#target.set(odds!)
    else for (let k = 0; k < this.#labels.length; k++) this.#target[k] = this.#labels[k] === label ? 1 : -1
    this.#ridge.add(row, this.#target)
  }

  shareOf(tried: readonly Answered[]): number {
    const k = this.#target.length
    const rows = (this.#rows ??= tried.map(({ x }) => this.#rowOf(x)))
    const right = tried.map(({ label, odds }) => (this.#byOdds ? greatest(odds!) : this.#labels.indexOf(label)))
    const shares = penalties.map((penalty) => {
      const weights = this.#ridge!.solve(penalty)
      const scores = new Float64Array(k)
      let hits = 0
      for (const [n, row] of rows.entries()) {
        scores.fill(0)
        for (let i = 0, w = 0; i < row.length; i++) for (let c = 0; c < k; c++, w++) scores[c]! += row[i]! * weights[w]!
        if (greatest(scores) === right[n]) hits++
      }
      return hits / rows.length
    })
    return Math.max(...shares)
  }
}

class Nearest implements Copy {
  readonly #known: Answered[] = []
  readonly #closest = new Map<Answered, { square: number; label: string }>()
  #tried = 0

  learn(answered: Answered): void {
    this.#known.push(answered)
  }

  shareOf(tried: readonly Answered[]): number {
    let hits = 0
    for (const each of tried) {
      let best = this.#closest.get(each)
      if (best === undefined) this.#closest.set(each, (best = { square: Infinity, label: '' }))
      for (let n = this.#tried; n < this.#known.length; n++) {
        const square = squareUpTo(each.x, this.#known[n]!.x, best.square)
        if (square < best.square) {
          best.square = square
          best.label = this.#known[n]!.label
        }
      }
      if (best.label === each.label) hits++
    }
    this.#tried = this.#known.length
    return hits / tried.length
  }
}

function squareUpTo(a: ArrayLike<number>, b: ArrayLike<number>, most: number): number {
  let sum = 0
  for (let i = 0; i < a.length && sum < most; i++) sum += (a[i]! - b[i]!) ** 2
  return sum
}

function greatest(values: ArrayLike<number>): number {
  let best = 0
  for (let n = 1; n < values.length; n++) if (values[n]! > values[best]!) best = n
  return best
}

/** The better copy's share of agreement after so many answers; beyond those tried, errors fall with the square root. */
export function shareAfter({ at, linear, nearest }: ToldCurve, answers: number): number {
  const share = (n: number): number => Math.max(linear[n]!, nearest[n]!)
  const last = at.length - 1
  if (answers >= at[last]!) return 1 - (1 - share(last)) * Math.sqrt(at[last]! / answers)
  const n = at.findIndex((size) => size > answers)
  if (n <= 0) return share(0)
  const t = Math.log(answers / at[n - 1]!) / Math.log(at[n]! / at[n - 1]!)
  return share(n - 1) + t * (share(n) - share(n - 1))
}
