/**
 * What a look at one part of an installation says: how it is, what that means, what to do.
 *
 * Adapters tell it of their servers (`diagnose` of the ports), `modelwarden doctor` of everything.
 */

/** `warn`: it runs, and something can be lost or missed. `fail`: it does not do what is configured. */
export type CheckState = 'ok' | 'warn' | 'fail'

export interface Diagnosis {
  /** What was looked at, e.g. a topic. */
  readonly name: string
  readonly state: CheckState
  /** One sentence. No secrets. */
  readonly says: string
  /** What the operator can do about it, as one sentence; absent where there is nothing to do. */
  readonly do?: string
}

/** A difference between a server's clock and ours from which on windows and lateness are judged wrongly, in ms. */
export const clockSkewMs = { warn: 5_000, fail: 60_000 } as const

/** One diagnosis out of what was found: the worst of it, all of it in words. `fine` is said where nothing was. */
export function summed(name: string, fine: string, found: readonly Omit<Diagnosis, 'name'>[]): Diagnosis {
  const unwell = found.filter(({ state }) => state !== 'ok')
  if (unwell.length === 0) return { name, state: 'ok', says: fine }
  const todo = [...new Set(unwell.map((each) => each.do).filter((each) => each !== undefined))]
  return {
    name,
    state: unwell.some(({ state }) => state === 'fail') ? 'fail' : 'warn',
    says: unwell.map(({ says }) => says).join(' '),
    ...(todo.length === 0 ? {} : { do: todo.join(' ') }),
  }
}
