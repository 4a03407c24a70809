/**
 * Accounts with prompts of one kind between which a load is dealt: who is named, and when.
 *
 * That takes evidence of how the load is dealt past its line (balance.ts); those are of it whose calls are about an equal share. Where most
 * of them come from networks that others of them use too, evidence is enough that customers of all sizes ever show with a probability of at most one in a hundred.
 */
import { beginnings, type DealtMember } from './balance.ts'
import type { Found } from './crowds.ts'
import { whyDealt } from './explain.ts'
import type { LikePool } from './likeness.ts'
import type { Known, Memory } from './memory.ts'

/** Fewest of whose tenants a load is dealt. */
const tenantsMin = 4
const sharedLine = Math.log(100 * beginnings)

/** Whom it finds, where the account that asks is news. */
export function dealtOf(
  memory: Memory,
  { principal, account }: Known,
  { id, pool }: { readonly id: string; readonly pool: LikePool },
  line: number,
): Found | undefined {
  const { balance } = pool
  const { evidence } = balance
  if (evidence < Math.min(line, sharedLine)) return undefined
  if (account.crowd !== undefined && memory.crowd(account.crowd)?.backed === true) return undefined
  const members = balance.dealt()
  if (!members.some((each) => each.principal === principal)) return undefined
  if (new Set(members.map(({ tenant }) => tenant)).size < tenantsMin) return undefined
  const isPast = evidence >= line
  if (!isPast && !shareNetworks(memory, members)) return undefined
  return {
    id: `like/${id}`,
    sinceMs: pool.sinceMs,
    over: isPast
      ? 'accounts with prompts of one kind'
      : 'accounts with prompts of one kind on networks that they share',
    top: evidence,
    line: isPast ? line : sharedLine,
    backed: true,
    tells: true,
    members: members.map(({ principal: each, calls, even }) => ({ principal: each, why: () => whyDealt(calls, even) })),
  }
}

/** Whether most of them come from networks of which another tenant of theirs comes too. */
function shareNetworks(memory: Memory, members: readonly Pick<DealtMember, 'principal' | 'tenant'>[]): boolean {
  const tenants = new Map<string, Set<string>>()
  const networks = members.map(({ principal, tenant }) => {
    const network = memory.known(principal)?.network ?? ''
    tenants.set(network, (tenants.get(network) ?? new Set()).add(tenant))
    return network
  })
  const sharing = networks.filter((network) => network !== '' && tenants.get(network)!.size > 1)
  return 2 * sharing.length > members.length
}
