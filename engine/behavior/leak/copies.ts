/**
 * Two copies of a model that an account could train on the answers it got, learned as they come.
 *
 * *Nearest*: a landmark gets the answer of the closest query (1-nearest-neighbor: Cover and Hart 1967); only the distance and
 * the answer are kept. *Linear*: multinomial logistic regression over standardized places, by stochastic gradient steps that
 * shrink with the squared gradients of each class (AdaGrad: Duchi et al. 2011); weights are kept in 16 bits. A query never
 * seen before is what both are tried on: landmarks are others' queries. O(landmarks · places) a query.
 */
import type { Holdings } from './holdings.ts'
import { placeOf, placesMax, standardize, type Landmarks } from './landmarks.ts'

const rate = 2
const one = 1_024
const weightMax = 32_767
/** Numbers that are compared at a time before a landmark is given up. */
const stride = 4
/** Errors that are not worth a step. */
const errorMin = 0.05
/** Of answers that no landmark has. */
const otherAnswer = 254

const z = new Float64Array(placesMax + 1)
const place = new Float64Array(placesMax)
const scores = new Float64Array(16)

/** Both copies learn one answered query. */
export function learn(holdings: Holdings, landmarks: Landmarks, x: ArrayLike<number>, label: string): void {
  const answer = landmarks.answerOf(label)
  placeOf(x, landmarks, place, 0)
  comeCloser(holdings, landmarks, answer ?? otherAnswer)
  if (answer !== undefined && answer < holdings.layout.classes) step(holdings, landmarks, answer)
  holdings.learned()
}

function comeCloser(holdings: Holdings, landmarks: Landmarks, answer: number): void {
  const { count, places, rows, unit } = landmarks
  const { distances, answers } = holdings
  const unit2 = unit * unit
  for (let n = 0, row = 0; n < count; n++, row += places) {
    const most = distances[n]! * distances[n]! * unit2
    let sum = 0
    for (let i = 0; i < places && sum < most;) {
      const end = i + stride < places ? i + stride : places
      for (; i < end; i++) {
        const difference = place[i]! - rows[row + i]!
        sum += difference * difference
      }
    }
    if (sum >= most) continue
    distances[n] = Math.min(65_534, Math.ceil(Math.sqrt(sum) / unit))
    answers[n] = answer
  }
}

function step(holdings: Holdings, landmarks: Landmarks, answer: number): void {
  const { steps, weights, layout } = holdings
  const { classes, places } = layout
  const width = places + 1
  standardize(place, landmarks, z)
  if (steps[answer] === 0) steps[answer] = 1e-8
  let most = -Infinity
  for (let c = 0; c < classes; c++) {
    // A class that was never answered is none that a copy could name.
    if (steps[c] === 0) continue
    scores[c] = scoreOf(weights, c * width, z, 0, width)
    if (scores[c]! > most) most = scores[c]!
  }
  let total = 0
  let size = 0
  for (let c = 0; c < classes; c++) if (steps[c] !== 0) total += scores[c] = Math.exp(scores[c]! - most)
  for (let i = 0; i < width; i++) size += z[i]! * z[i]!
  for (let c = 0; c < classes; c++) {
    if (steps[c] === 0) continue
    const error = scores[c]! / total - (c === answer ? 1 : 0)
    if (error < errorMin && error > -errorMin) continue
    steps[c]! += error * error * size
    const by = (rate * one * error) / Math.sqrt(steps[c]!)
    for (let i = 0, w = c * width; i < width; i++, w++) {
      const value = Math.round(weights[w]! - by * z[i]!)
      weights[w] = value > weightMax ? weightMax : value < -weightMax ? -weightMax : value
    }
  }
}

function scoreOf(weights: Int16Array, from: number, values: Float64Array, at: number, width: number): number {
  let sum = 0
  for (let i = 0; i < width; i++) sum += weights[from + i]! * values[at + i]!
  return sum / one
}

/** How the copies do on the landmarks of others. */
export interface Trial {
  readonly landmarks: number
  /** Landmarks with a query as close as natural inputs are to each other. */
  readonly near: number
  readonly nearest: number
  readonly linear: number
}

/** `own`: 32 bits of the account; what it asked itself is no trial. */
export function tryCopies(holdings: Holdings, landmarks: Landmarks, own: number): Trial {
  const { count, owners, answers, standard, near } = landmarks
  const { classes } = holdings.layout
  const width = landmarks.places + 1
  const trial = { landmarks: 0, near: 0, nearest: 0, linear: 0 }
  for (let n = 0; n < count; n++) {
    if (owners[n] === own) continue
    trial.landmarks++
    if (holdings.distances[n]! <= near) trial.near++
    if (holdings.answers[n] === answers[n]) trial.nearest++
    let best = -1
    let most = -Infinity
    for (let c = 0; c < classes; c++) {
      if (holdings.steps[c] === 0) continue
      const score = scoreOf(holdings.weights, c * width, standard, n * width, width)
      if (score > most) [most, best] = [score, c]
    }
    if (best >= 0 && best === answers[n]) trial.linear++
  }
  return trial
}
