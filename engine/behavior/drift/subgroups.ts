/**
 * The errors of a model's answers by subgroup: whether one is wronged more than the rest, and more than it used to be.
 *
 * What is usual for a subgroup is the greater of its own rate of errors in its first answers and the rest's rate now,
 * each with a margin. The evidence beyond it is an e-detector (statistics/evidence.ts). The rest's newest answers may
 * be old where it asks seldom: so what is told must hold against the rest's answers of the same time too. A model that
 * has become worse for all wrongs nobody.
 */
import { fisher } from '../statistics/fisher.ts'
import { gather } from '../statistics/evidence.ts'

const subgroupsMax = 64
const recentMax = 100
/** A rate of errors that is nobody's concern. */
const usualMin = 0.03
const margin = 1.5
/** Of so great a difference from the rest's answers since the evidence began, by chance; and as many of those are needed. */
const apartSignificance = 1e-3
const restMin = 10

/** Since the evidence began: answers and errors of the subgroup and of the rest. */
type Run = [answers: number, errors: number, restAnswers: number, restErrors: number]

export interface Subgroup {
  answers: number
  errors: number
  /** In its first answers. */
  firstErrors: number
  evidence: number
  /** The newest outcomes: 1 is an error. */
  recent: number[]
  /** Not told by older versions. */
  run?: Run
  told?: number
}

export interface SubgroupVerdict {
  readonly name: string
  readonly rate: number
  readonly usual: number
  /** In its answers since the evidence began. */
  readonly restRate: number
  readonly answers: number
  readonly evidence: number
}

export function countSubgroup(
  all: Record<string, Subgroup>,
  name: string,
  right: boolean,
  subgroupMin: number,
  line: number,
): SubgroupVerdict | undefined {
  if (!Object.hasOwn(all, name) && Object.keys(all).length >= subgroupsMax) return undefined
  const of = Object.hasOwn(all, name) ? all[name]! : newSubgroup()
  Object.defineProperty(all, name, { value: of, enumerable: true, writable: true, configurable: true })
  of.answers++
  if (!right) of.errors++
  of.recent.push(right ? 0 : 1)
  if (of.recent.length > recentMax) of.recent.shift()
  if (of.answers <= subgroupMin) {
    if (!right) of.firstErrors++
    return undefined
  }
  const rest = Object.entries(all).filter(([other, { recent }]) => other !== name && recent.length > 0)
  if (rest.length === 0) return undefined
  const restRecent = rest.flatMap(([, { recent }]) => recent)
  const restRate = sum(restRecent) / restRecent.length
  const own = (of.firstErrors + 1) / (subgroupMin + 2)
  const usual = Math.min(0.5, Math.max(usualMin, margin * own, margin * restRate))
  of.evidence = gather(of.evidence, !right, usual)
  note(all, name, !right)
  if (of.evidence < line || of.told !== undefined || !isApart(of.run)) return undefined
  of.told = of.answers
  const rate = recentRate(of.recent)
  const [, , restAnswers, restErrors] = of.run!
  return { name, rate, usual, restRate: restErrors / restAnswers, answers: of.answers, evidence: of.evidence }
}

/** Adds an answer to its subgroup's run and, as one of the rest, to those of the others. */
function note(all: Readonly<Record<string, Subgroup>>, name: string, wrong: boolean): void {
  for (const [other, of] of Object.entries(all)) {
    if (of.evidence === 0) delete of.run
    else {
      const run = (of.run ??= [0, 0, 0, 0])
      const at = other === name ? 0 : 2
      run[at]++
      if (wrong) run[at + 1]!++
    }
  }
}

function isApart(run: Run | undefined): boolean {
  if (run === undefined) return false
  const [answers, errors, restAnswers, restErrors] = run
  return restAnswers >= restMin && fisher(errors, answers, restErrors, restAnswers) < apartSignificance
}

/** Of the newest quarter: what it is like now. */
function recentRate(recent: readonly number[]): number {
  const newest = recent.slice(-Math.max(10, Math.floor(recent.length / 4)))
  return sum(newest) / newest.length
}

function newSubgroup(): Subgroup {
  return { answers: 0, errors: 0, firstErrors: 0, evidence: 0, recent: [] }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
