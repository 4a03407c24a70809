/** The wall clock, as a port: only the runtime and services at the edge read it, never `core`, `engine` or a step. */
export interface Clock {
  /** Milliseconds since 1970. */
  nowMs(): number
  /** Milliseconds that never run backwards, from an arbitrary start. */
  monotonicMs(): number
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
}
