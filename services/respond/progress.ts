/**
 * How far an action has come, so that the step and the sidecar, who both write its history, agree whatever the order in
 * which their records come to stand in the log.
 *
 * Pure. What the sidecar journals are facts: it did attempt, it did succeed. A fact counts where it is further than what
 * is known; its echo, and the step's own records read back, change nothing.
 */
import type { Action } from '../../core/action.ts'
import { takesBackProof } from './watch.ts'

/** While the proof is still being waited for. */
export const verifying = 'VERIFYING'

const ranks: Readonly<Record<Action['state'], number>> = {
  attempted: 1,
  asked: 2,
  'awaiting-approval': 2,
  reserved: 2,
  done: 3,
  verified: 3,
  failed: 3,
  refused: 4,
  'dry-run': 4,
  undone: 5,
}

function rankOf({ state, reason }: Action): number {
  return state === 'done' && reason === verifying ? 2 : ranks[state]
}

/** Whether a journaled record tells more than what is known. */
export function isAhead(fact: Action, known: Action): boolean {
  if (fact.attempt === 0) return false
  if (takesBackProof(fact, known)) return true
  return fact.attempt > known.attempt || (fact.attempt === known.attempt && rankOf(fact) > rankOf(known))
}

/** Nothing more will happen to it by itself. */
export function isSettled({ state, reason }: Action): boolean {
  switch (state) {
    case 'asked':
    case 'awaiting-approval':
    case 'reserved':
    case 'attempted':
      return false
    case 'done':
      return reason !== verifying
    case 'verified':
    case 'dry-run':
    case 'refused':
    case 'failed':
    case 'undone':
      return true
  }
}

/** It took effect, or may have. */
export function hasActed({ state, attempt }: Action): boolean {
  return state === 'attempted' || state === 'done' || state === 'verified' || (state === 'failed' && attempt > 0)
}
