/**
 * Accounts with prompts of one kind between which a load is dealt: who is named, and when.
 *
 * Equal loads name nobody: nightly batches, daily quotas and a vendor's customers of one size are equal too. They say who belongs
 * together; what speaks against them is that most of them come from networks that other tenants of theirs use as well. Those who do are named.
 */
import { tenantsMin, type DealtMember } from './balance.ts'
import type { Found } from './crowds.ts'
import { whyDealt } from './explain.ts'
import type { LikePool } from './likeness.ts'
import type { Known, Memory } from './memory.ts'

/** Whom it finds, where the account that asks is news. */
export function dealtOf(
  memory: Memory,
  { principal, account }: Known,
  { id, pool }: { readonly id: string; readonly pool: LikePool },
  { timeMs, line }: { readonly timeMs: number; readonly line: number },
): Found | undefined {
  const { balance } = pool
  const { evidence } = balance
  if (evidence < line) return undefined
  if (account.crowd !== undefined && memory.crowd(account.crowd)?.backed === true) return undefined
  const dealt = balance.dealt(timeMs)
  const members = sharingOf(memory, dealt)
  if (2 * members.length <= dealt.length || !members.some((each) => each.principal === principal)) return undefined
  if (new Set(members.map(({ tenant }) => tenant)).size < tenantsMin) return undefined
  return {
    id: `like/${id}`,
    sinceMs: pool.sinceMs,
    over: 'accounts with prompts of one kind on networks that they share',
    top: evidence,
    line,
    backed: true,
    tells: true,
    members: members.map(({ principal: each, calls, even }) => ({ principal: each, why: () => whyDealt(calls, even) })),
  }
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
