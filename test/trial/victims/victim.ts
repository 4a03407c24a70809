/** A model behind an API: trained on natural inputs of its shape, answering with probabilities, logged as its gateway logs. */
import { createHash } from 'node:crypto'
import type { Dice } from '../dice.ts'
import { forest, logistic, neighbors, network, oneHot, type Learned } from './learners.ts'
import { argmax, rounded, type Input } from './numbers.ts'
import { embeddingShape, imageShape, tableShape, type Drawn, type Shape } from './shapes.ts'

export type Learner = 'logistic' | 'network' | 'forest' | 'neighbors'

export interface Answer {
  readonly probs: number[]
  readonly label: number
  readonly confidence: number
}

export interface Victim {
  readonly id: string
  readonly version: string
  readonly learner: Learner
  readonly shape: Shape
  /** Which field of a record tells of the input. */
  readonly logs: 'features' | 'embedding' | 'similarityHash'
  readonly members: readonly Drawn[]
  answer(x: Input): Answer
  /** Into the range that its columns have. */
  clipped(x: Input): number[]
  /** And to values that its columns can have. */
  snapped(x: Input): number[]
  /** What stands in a record for this input. */
  logged(x: Input): Record<string, unknown>
}

const trainedRows = { logistic: 700, network: 900, forest: 700, neighbors: 600 } as const

export function victimOf(id: string, shape: Shape, learner: Learner, hashed: boolean, dice: Dice): Victim {
  const noise = shape.kind === 'table' ? dice.between(0.02, 0.08) : 0.01
  const members = Array.from({ length: trainedRows[learner] }, () => {
    const { input, label } = shape.natural(dice)
    return { input, label: dice.chance(noise) ? dice.int(0, shape.classes - 1) : label }
  })
  const model = trained(learner, members, shape.classes, dice)
  const clipped = (x: Input): number[] =>
    x.map((value, i) => rounded(Math.max(shape.columns[i]!.low, Math.min(shape.columns[i]!.high, value))))
  const planes = hashed ? Array.from({ length: 256 }, () => dice.normals(shape.dimension)) : []
  return {
    id,
    version: `${dice.int(1, 4)}.${dice.int(0, 9)}.${dice.int(0, 5)}`,
    learner,
    shape,
    logs: hashed ? 'similarityHash' : shape.kind === 'embedding' ? 'embedding' : 'features',
    members,
    answer: (x) => {
      const probs = model.probs(x).map((share) => rounded(share, 1e6))
      const label = argmax(probs)
      return { probs, label, confidence: probs[label]! }
    },
    clipped,
    snapped: (x) =>
      clipped(x).map((value, i) => {
        const { kind, low, step, high } = shape.columns[i]!
        if (kind === 'yes-no') return rounded(value * 2 > low + high ? high : low)
        return kind === 'whole' || shape.kind === 'image'
          ? rounded(low + Math.round((value - low) / step) * step)
          : value
      }),
    logged: (x) => ({
      ...(hashed
        ? { similarityHash: similarityHash(x, planes) }
        : { [shape.kind === 'embedding' ? 'embedding' : 'features']: x }),
      inputHash: inputHash(x),
    }),
  }
}

function trained(learner: Learner, members: readonly Drawn[], classes: number, dice: Dice): Learned {
  const xs = members.map(({ input }) => input)
  const targets = members.map(({ label }) => oneHot(label, classes))
  switch (learner) {
    case 'logistic':
      return logistic(xs, targets, dice)
    case 'network':
      return network(xs, targets, dice, { hidden: dice.int(16, 32), passes: dice.int(12, 25) })
    case 'forest':
      return forest(xs, targets, dice, dice.int(25, 60))
    case 'neighbors':
      return neighbors(xs, targets, dice.int(5, 15))
  }
}

export function inputHash(x: Input): string {
  return createHash('sha256').update(JSON.stringify(x)).digest('hex')
}

/** The signs of 256 secret projections: near inputs share most of them. */
export function similarityHash(x: Input, planes: readonly Input[]): string {
  let text = ''
  for (let from = 0; from < planes.length; from += 4) {
    let digit = 0
    for (const plane of planes.slice(from, from + 4)) {
      let sum = 0
      for (let i = 0; i < x.length; i++) sum += plane[i]! * x[i]!
      digit = digit * 2 + (sum > 0 ? 1 : 0)
    }
    text += digit.toString(16)
  }
  return text
}

/** The models of one trial: each way to learn and each kind of input, in combinations that the seed draws. */
export function victimsOf(dice: Dice): Victim[] {
  const words = dice.shuffled([
    'scoring',
    'triage',
    'grading',
    'routing',
    'vision',
    'risk',
    'intent',
    'quality',
    'match',
  ])
  const plan: readonly [(from: Dice) => Shape, readonly Learner[], boolean][] = [
    [tableShape, ['logistic'], false],
    [tableShape, ['forest'], false],
    [tableShape, ['network', 'neighbors'], false],
    [(from) => imageShape(from, 8), ['network', 'neighbors'], false],
    [(from) => imageShape(from, 14), ['network', 'logistic'], false],
    [embeddingShape, ['network', 'logistic'], false],
    [embeddingShape, ['network', 'logistic'], true],
  ]
  return plan.map(([shape, learners, hashed], n) => {
    const own = dice.fork(`victim-${n}`)
    return victimOf(`${words[n]!}-${own.hex(3)}`, shape(own), own.pick(learners), hashed, own)
  })
}
