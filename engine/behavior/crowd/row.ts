/**
 * Accounts that have relieved one another, in a row: who is named once a cell has shown that they do (relay.ts).
 *
 * An account is of the row where it began when one ended and ended when the next began: for one that has nothing to do
 * with them each has a probability of at most one in ten. Or where it stands at an end of the row, and is as busy and
 * was as long in use as its neighbor: that has at most one in three, twice. Those that were dropped long ago are found
 * by going back.
 */
import type { Cell } from './cell.ts'
import type { Found } from './crowds.ts'
import { whyRelay } from './explain.ts'
import type { Account } from './kept.ts'
import type { Known, Memory } from './memory.ts'
import { placeOfSort } from './params.ts'
import type { Handover } from './order/relay.ts'

const rowMax = 1_000

/** Takes note of whom an account relieves; the row, where it is known to be one. */
export function rowOf(
  memory: Memory,
  { principal: own, account }: Known,
  cell: Cell,
  { from, alike }: Handover,
): Found | undefined {
  const before = from === undefined ? undefined : memory.known(from.principal)
  if (from !== undefined && before !== undefined) {
    account.relieves = from.principal
    account.usual = alike
    before.relieved = true
    before.usual ||= alike
    memory.keepAccount(own, account)
    memory.keepAccount(from.principal, before)
  }
  if (!cell.relayed) return undefined
  const row = new Set<string>()
  for (const principal of cell.relay?.principals() ?? []) goBack(memory, principal, row)
  return {
    id: `${cell.kind}/${cell.name}/${cell.sinceMs}`,
    sinceMs: cell.sinceMs,
    over: 'who begins when whom has ended',
    top: cell.sums[placeOfSort.relay]! / 1e3,
    backed: true,
    tells: false,
    members: [...row].map((principal) => ({ principal, why: whyRelay })),
  }
}

function goBack(memory: Memory, from: string, row: Set<string>): void {
  let principal: string | undefined = from
  while (principal !== undefined && !row.has(principal) && row.size < rowMax) {
    const account: Account | undefined = memory.known(principal)
    if (account === undefined || !isOfRow(account)) return
    row.add(principal)
    principal = account.relieves
  }
}

function isOfRow({ relieves, relieved, usual }: Account): boolean {
  return (relieves !== undefined && relieved === true) || usual === true
}
