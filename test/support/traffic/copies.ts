/** Copies of a model as a thief trains them on answers: three learners, each with several passes over what it got. */
import { dot, type Input, type World } from './world.ts'

/** For each learner the share of inputs on which its copy agrees with the model. */
export function trainedCopies(world: World, asked: readonly Input[], heldBack: readonly Input[]): Map<string, number> {
  const labels = asked.map((x) => world.answer(x).label)
  const truth = heldBack.map((x) => world.answer(x).label)
  const copies = {
    neighbors: neighbors(asked, labels),
    logistic: logistic(world, asked, labels),
    network: network(world, asked, labels),
  }
  return new Map(
    Object.entries(copies).map(([name, copy]) => {
      return [name, heldBack.filter((x, n) => copy(x) === truth[n]).length / heldBack.length]
    }),
  )
}

type Copy = (x: Input) => number

/** The three nearest vote. */
function neighbors(asked: readonly Input[], labels: readonly number[]): Copy {
  return (x) => {
    const near = asked.map((each, n) => [squareOf(each, x), labels[n]!] as const).sort(([a], [b]) => a - b)
    const votes = near.slice(0, 3).map(([, label]) => label)
    return votes.find((label, n) => votes.indexOf(label) !== n) ?? votes[0]!
  }
}

function logistic(world: World, asked: readonly Input[], labels: readonly number[]): Copy {
  return softmaxOver(asked, labels, world.classes, (x) => [...x, 1])
}

/** A layer of fixed random features below: what a small network learns, without the luck of its training. */
function network(world: World, asked: readonly Input[], labels: readonly number[]): Copy {
  const rows = Array.from({ length: 120 }, () => Array.from({ length: world.dimension + 1 }, () => 2 * world.normal()))
  return softmaxOver(asked, labels, world.classes, (x) => {
    return [...rows.map((row) => Math.tanh(dot(row, [...x, 1]) / 3)), 1]
  })
}

function softmaxOver(
  asked: readonly Input[],
  labels: readonly number[],
  classes: number,
  lift: (x: Input) => readonly number[],
): Copy {
  const inputs = asked.map(lift)
  const weights = Array.from({ length: classes }, () => inputs[0]!.map(() => 0))
  const squares = Array.from({ length: classes }, () => inputs[0]!.map(() => 1e-6))
  const known = new Set(labels)
  const sharesOf = (x: readonly number[]): number[] => {
    const scores = weights.map((row, c) => (known.has(c) ? Math.exp(dot(row, x)) : 0))
    const total = scores.reduce((sum, score) => sum + score, 0)
    return scores.map((score) => score / total)
  }
  for (let pass = 0; pass < 40; pass++) {
    for (const [n, x] of inputs.entries()) {
      for (const [c, share] of sharesOf(x).entries()) {
        const error = share - (c === labels[n] ? 1 : 0)
        if (!known.has(c) || Math.abs(error) < 1e-3) continue
        for (let i = 0; i < x.length; i++) {
          squares[c]![i]! += (error * x[i]!) ** 2
          weights[c]![i]! -= (0.2 * error * x[i]!) / Math.sqrt(squares[c]![i]!)
        }
      }
    }
  }
  return (x) => {
    const shares = sharesOf(lift(x))
    return shares.indexOf(Math.max(...shares))
  }
}

function squareOf(a: Input, b: Input): number {
  return a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0)
}
