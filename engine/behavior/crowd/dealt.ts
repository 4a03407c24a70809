/**
 * Accounts with prompts of one kind between which a load is dealt: who is named, and when.
 *
 * Equal loads name nobody: nightly batches, daily quotas and a vendor's customers of one size are equal too. They say
 * who belongs together; what speaks against them is one of four things: that nobody comes in sessions, and they get
 * answers longer than others get or, being many, ask for all that others ask for together; that they come in strict
 * turn, and yet with programs of all sorts, as no vendor's customers do; that nobody comes in sessions, programs are of
 * all sorts, and none of them has a subject of its own; or that most of them come from networks that other tenants of
 * theirs use as well. Then those who do are named. Of those who are named for long answers nobody is whose own are as
 * others'.
 */
import { tenantsMin } from './prompts/balance.ts'
import type { DealtMember } from './prompts/dealt-account.ts'
import type { Found } from './crowds.ts'
import { whyDealt } from './explain.ts'
import type { LikePool } from './prompts/like-pool.ts'
import type { Known, Memory } from './memory.ts'

/**
 * Of honest kinds one in ten at most gets long answers, or asks for more than others do, without anybody that comes in
 * sessions.
 */
const backing = Math.log(10)
/** Evidence of long answers: of honest kinds one in a thousand ever has it in so many calls. */
const longLine = Math.log(1e3)
/** Fewest whose prompts are as various as others' together; fewest kinds of programs that are many. */
const broadMin = 12
const agentsMin = 3
/** A class works at one task for less. */
const classMs = 4 * 3_600_000

/** Whom it finds, where the account that asks is news. */
export function dealtOf(
  memory: Memory,
  { principal, account }: Known,
  { id, pool }: { readonly id: string; readonly pool: LikePool },
  { timeMs, line }: { readonly timeMs: number; readonly line: number },
): Found | undefined {
  const { balance } = pool
  const { evidence } = balance
  if (evidence < line - backing) return undefined
  const gathers = balance.isDealt && gatheredOf(pool)
  if (evidence < line - (gathers ? backing : 0)) return undefined
  if (account.crowd !== undefined && memory.crowd(account.crowd)?.backed === true) return undefined
  const dealt = balance.dealt(timeMs)
  const isEverywhere = comeFromEverywhere(memory, dealt)
  const turn = balance.turns >= line && isEverywhere
  const asOne = evidence >= line && isEverywhere && asksAsOne(pool, timeMs)
  const isHand = gathers || turn || asOne
  const named = isHand ? dealt : sharingOf(memory, dealt)
  const members =
    isLong(pool) && !turn && !asOne ? named.filter(({ principal: each }) => pool.gathered.gathers(each)) : named
  if (2 * members.length <= dealt.length || !members.some((each) => each.principal === principal)) return undefined
  if (new Set(members.map(({ tenant }) => tenant)).size < tenantsMin) return undefined
  return {
    id: `like/${id}`,
    sinceMs: pool.sinceMs,
    over: gathers
      ? 'accounts with prompts of one kind that gather answers'
      : isHand
        ? turn
          ? 'accounts with prompts of one kind that take turns'
          : 'accounts with prompts of one kind none of which has a subject of its own'
        : 'accounts with prompts of one kind on networks that they share',
    top: evidence,
    line,
    backed: true,
    tells: true,
    members: members.map(({ principal: each, calls, even }) => ({ principal: each, why: () => whyDealt(calls, even) })),
  }
}

/** That its answers are longer than others', or, of many, that they ask for all that others ask for. */
function gatheredOf(pool: LikePool): boolean {
  return isLong(pool) || (pool.gathered.isBroad && pool.balance.size >= broadMin)
}

/**
 * Nobody comes in sessions, and whose prompt it is can't be told by what it asks. So it is of a class with one task as
 * well, as long as that lasts.
 */
function asksAsOne({ balance, gathered, sinceMs }: LikePool, timeMs: number): boolean {
  const isClass = gathered.isNarrow && timeMs < sinceMs + classMs
  return balance.isDealt && gathered.isOne && !isClass && balance.size >= broadMin
}

function isLong({ gathered }: LikePool): boolean {
  return gathered.evidence >= longLine
}

/** Those from networks of which another tenant of theirs comes too. */
function sharingOf(memory: Memory, dealt: readonly DealtMember[]): readonly DealtMember[] {
  const tenants = new Map<string, Set<string>>()
  const networks = dealt.map(({ principal, tenant }) => {
    const network = memory.known(principal)?.network ?? ''
    tenants.set(network, (tenants.get(network) ?? new Set()).add(tenant))
    return network
  })
  return dealt.filter((_, n) => networks[n] !== '' && tenants.get(networks[n]!)!.size > 1)
}

/** Customers of a vendor call with its program, or from its network where it calls for them: not in turn from many of both. */
function comeFromEverywhere(memory: Memory, dealt: readonly DealtMember[]): boolean {
  const agents = new Map<string, number>()
  for (const { principal } of dealt) {
    const agent = memory.known(principal)?.agent ?? ''
    agents.set(agent, (agents.get(agent) ?? 0) + 1)
  }
  return agents.size >= agentsMin && 2 * Math.max(...agents.values()) <= dealt.length
}
