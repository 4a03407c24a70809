/**
 * Records for benches, in the gateway's own format: as large and as varied as real ones, the same in every run.
 */

/** A small generator (mulberry32): the same seed gives the same numbers. */
export function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

export interface RecordOptions {
  readonly count: number
  readonly startMs: number
  /** Event time between two records. */
  readonly stepMs: number
  readonly principals: number
  readonly seed?: number
}

/** Calls of an image classifier: 64 features in, 10 probabilities out, about 1 KB each. */
export function gatewayRecords(options: RecordOptions): string[] {
  const random = seededRandom(options.seed ?? 1)
  const round = (value: number, digits: number): number => Number(value.toFixed(digits))
  return Array.from({ length: options.count }, (_, index) => {
    const who = Math.floor(random() * options.principals)
    const features = Array.from({ length: 64 }, () => (random() < 0.4 ? 0 : round(random(), 5)))
    const weights = Array.from({ length: 10 }, () => random() ** 6)
    const sum = weights.reduce((a, b) => a + b, 0)
    const probs = weights.map((weight) => round(weight / sum, 6))
    const confidence = Math.max(...probs)
    return JSON.stringify({
      id: `bench-${options.seed ?? 1}-${index}`,
      type: 'inference',
      ts: new Date(options.startMs + index * options.stepMs).toISOString(),
      tenant: `t-${who % 17}`,
      principal: `u-${who}`,
      apiKey: `k-${who}-${options.seed ?? 1}`,
      ip: `198.51.${who % 100}.${(who * 7) % 250}`,
      userAgent: 'python-requests/2.32',
      country: 'DE',
      model: 'digits-mlp',
      modelVersion: '1.0.0',
      features,
      inputHash: Array.from({ length: 8 }, () =>
        Math.floor(random() * 2 ** 32)
          .toString(16)
          .padStart(8, '0'),
      ).join(''),
      probs,
      label: probs.indexOf(confidence),
      confidence,
      latencyMs: round(3 + random() * 5, 2),
      bytesOut: 130,
      status: 200,
    })
  })
}
