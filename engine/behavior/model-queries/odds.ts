/**
 * Log-odds: what probabilities tell of a model beside its answer. Logarithms less their mean, in eighths, a byte for each class:
 * what a probability of a millionth and of nearly 1 are apart still has room.
 */

/** Models with more classes are learned by their answers alone. */
export const oddsMax = 16
const least = 1e-6
const steps = 8

/** Base64 of a byte for each class; undefined where there are no probabilities, or too many. */
export function packedOdds(probabilities: readonly number[] | undefined): string | undefined {
  if (probabilities === undefined || probabilities.length > oddsMax) return undefined
  const logs = probabilities.map((p) => Math.log(Math.max(p, least)))
  const mean = logs.reduce((sum, log) => sum + log, 0) / logs.length
  return Buffer.from(Int8Array.from(logs, (log) => Math.round(steps * (log - mean)))).toString('base64')
}

export function unpackedOdds(text: string): Float64Array {
  const bytes = Buffer.from(text, 'base64')
  return Float64Array.from({ length: bytes.length }, (_, n) => bytes.readInt8(n) / steps)
}
