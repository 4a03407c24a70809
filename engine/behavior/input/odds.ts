/**
 * Log-odds: what probabilities tell of a model beside its answer. Logarithms less their mean, in eighths, a byte for each class:
 * what a probability of a millionth and of nearly 1 are apart still has room.
 */

/** Models with more classes are learned by their answers alone. */
export const oddsMax = 16
const least = 1e-6
const steps = 8

const logs = new Float64Array(oddsMax)
const bytes = Buffer.alloc(oddsMax)

/** Base64 of a byte for each class; undefined where there are no probabilities, or too many. */
export function packedOdds(probabilities: readonly number[] | undefined): string | undefined {
  if (probabilities === undefined || probabilities.length > oddsMax) return undefined
  const { length } = probabilities
  let sum = 0
  for (let n = 0; n < length; n++) sum += logs[n] = Math.log(Math.max(probabilities[n]!, least))
  const mean = sum / length
  for (let n = 0; n < length; n++) bytes[n] = Math.round(steps * (logs[n]! - mean))
  return bytes.toString('base64', 0, length)
}

export function unpackedOdds(text: string): Float64Array {
  const kept = Buffer.from(text, 'base64')
  return Float64Array.from({ length: kept.length }, (_, n) => kept.readInt8(n) / steps)
}
