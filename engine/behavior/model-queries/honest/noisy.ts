/**
 * Whether an account's inputs are honest ones with noise in every value, as a bad scanner's are, or those of sensors
 * that are read in coarse steps.
 *
 * Such noise is always there, and what it leaves is natural: most inputs that are odd as they are, are ordinary where
 * honest inputs have noise of `noiseShare` as well. Of synthetic and foreign inputs most are odd all the same, since
 * they lie far off in what honest inputs vary by too. Noise has one strength for all values, as a lens and a grid of
 * steps have. What is counted is what was asked before, and room for noise makes no input odder, so the bound on false
 * alarms holds as it is (evidence.ts). Fields that are left open are counted as noise is (unfilled.ts). Pure.
 */
import { inverseFactor, inverseOf, squareOf, whitened, type Fit } from './fit.ts'
import { scorer, type Scorer } from './score.ts'

/**
 * Variance of the noise that an account may have, as a share of the mean variance of honest inputs within their
 * classes: 9 dB less.
 */
const noiseShare = 1 / 8
/** Of the last inputs that tell, as many are counted, and then half of them on. */
const countedMax = 128
/** Least share of odd ones: fewer say little against anybody (evidence.ts). */
const oddShareMin = 0.25
/**
 * Of the odd ones, those that noise leaves odd are at most this share: of honest ones with noise a few in a hundred
 * are, of foreign ones half and more.
 */
const leftShareMax = 0.15
/** Of each count. */
const bits = 7

/** Counts in one number of 21 bits: inputs, odd ones, and of these those that noise leaves odd. */
function unpack(counts: number): readonly [all: number, odd: number, left: number] {
  const mask = (1 << bits) - 1
  return [counts & mask, (counts >>> bits) & mask, counts >>> (2 * bits)]
}

/** Takes one more into `counts`, which are 0 of an account that has asked nothing. */
export function countNoise(counts: number, isOdd: boolean, isLeft: boolean): number {
  const [before, oddBefore, leftBefore] = unpack(counts)
  const [all, odd, left] = [before + 1, oddBefore + (isOdd ? 1 : 0), leftBefore + (isLeft ? 1 : 0)]
  const halve = all === countedMax ? 1 : 0
  return (all >> halve) | ((odd >> halve) << bits) | (((left + halve) >> halve) << (2 * bits))
}

/** Whether the next input is held against honest ones with noise. The first is: nothing is known yet. */
export function isNoisy(counts: number): boolean {
  const [all, odd, left] = unpack(counts)
  return odd >= oddShareMin * all && left <= leftShareMax * odd
}

/**
 * How far queries are from the mean of their class where honest inputs have such noise, less what the noise by itself
 * adds on the average: of honest inputs with as much noise, or less, as many are past a line as of those without any,
 * or fewer.
 */
export function noisyScorer({ dimension: d, labels, whitening, means }: Fit): Scorer {
  const factor = squareOf(inverseOf(squareOf(whitening, d), d), d)
  const covariance = new Float64Array(d * d)
  for (let i = 0; i < d; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0
      for (let k = 0; k <= j; k++) sum += factor[i * d + k]! * factor[j * d + k]!
      covariance[i * d + j] = sum
    }
  }
  let trace = 0
  for (let i = 0; i < d; i++) trace += covariance[i * d + i]!
  const variance = (noiseShare * trace) / d
  for (let i = 0; i < d; i++) covariance[i * d + i]! += variance
  const noisy = inverseFactor(covariance, d)
  const moved = new Float64Array(means.length)
  for (let mean = 0; mean < means.length; mean += d) {
    const x = new Float64Array(d)
    for (let i = 0; i < d; i++) for (let j = 0; j <= i; j++) x[i]! += factor[i * d + j]! * means[mean + j]!
    moved.set(whitened(noisy, x, d), mean)
  }
  // The trace of the inverse covariance is the sum of the squares of its factor.
  const added = variance * noisy.reduce((sum, value) => sum + value * value, 0)
  const score = scorer({ dimension: d, labels, whitening: noisy, means: moved })
  return (x, label) => Math.sqrt(Math.max(0, score(x, label) ** 2 - added))
}
