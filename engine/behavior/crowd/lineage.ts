/**
 * Whose queries are steps from whose: accounts that carry one augmentation on, whatever else they share or don't.
 *
 * Stands beside the cells, for a hand that gives each account a network and a program of its own. Of every query with an
 * input the evidence that it is a step from another tenant's (steps.ts) counts for the account that asks, and for the one
 * whose query it is a step from; each is a product of e-values that starts anew when it falls to one (Page's test), so an
 * account whose inputs have nothing to do with others' passes the line at most once in `queriesPerFalseAlarm` of its queries.
 */
import type { Found } from './crowds.ts'
import { whyKin } from './explain.ts'
import type { Account } from './kept.ts'
import type { Known, Memory } from './memory.ts'
import type { Sight } from './params.ts'
import type { Kin } from './queries/steps.ts'

/** Evidence of one query from which it is remembered whose it is a step from, and how many of these accounts are. */
export const strong = 2
const parentsMax = 8
/** That an account whose queries are natural seems to be stepped from by one that is past the line: at most one in 10,000. */
const parentLine = Math.log(10_000)

/** Takes a query's evidence; whom it finds, once the account is past the line and one of them has not been found before. */
export function follow(
  memory: Memory,
  { principal, account }: Known,
  sight: Sight,
  kin: Kin,
  line: number,
): Found | undefined {
  const most = 2 * line
  const parent = kin.of.principal
  account.steps = Math.min(most, Math.max(0, (account.steps ?? 0) + kin.log))
  if (kin.log >= strong && account.parents?.[0] !== parent) {
    account.parents = [parent, ...(account.parents ?? []).filter((each) => each !== parent)].slice(0, parentsMax)
  }
  memory.keepAccount(principal, account)
  const from = memory.known(parent)
  if (from !== undefined) {
    from.stepped = Math.min(most, Math.max(0, (from.stepped ?? 0) + kin.log))
    memory.keepAccount(parent, from)
  }
  if (account.steps < line) return undefined
  const parents = (account.parents ?? []).filter((each) => isOfTheHand(memory.known(each)))
  if (isKnown(memory, account, parents)) return undefined
  return {
    id: `steps/${sight.principal}/${account.firstMs}`,
    sinceMs: account.firstMs,
    over: 'whose queries are steps from whose',
    top: account.steps,
    backed: true,
    tells: false,
    members: [principal, ...parents].map((each) => ({ principal: each, why: whyKin })),
  }
}

/**
 * An account of a hand makes steps itself. A customer whose inputs are like those that a thief makes steps of, as the
 * records of a public table are, only seems to be stepped from.
 */
function isOfTheHand(parent: Account | undefined): boolean {
  return (parent?.stepped ?? 0) >= parentLine && (parent?.steps ?? 0) >= parentLine
}

/** Whether they all are in one crowd, and more than order speaks against it. */
function isKnown(memory: Memory, { crowd: id }: Account, parents: readonly string[]): boolean {
  const crowd = id === undefined ? undefined : memory.crowd(id)
  return crowd?.backed === true && parents.every((each) => memory.known(each)?.crowd === id)
}
