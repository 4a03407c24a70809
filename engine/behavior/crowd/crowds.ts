/**
 * Crowds found: who is in them, how they grow, and how those with a member in common become one.
 *
 * Promises: a crowd keeps its id while it grows, takes the place of those that it swallows, and is told whenever it has news,
 * from `accountsMin` tenants on, once more than the order of their queries speaks against them; at most 1,000 members.
 */
import type { BehaviorFinding } from '../types.ts'
import { describeCrowd } from './explain.ts'
import type { Account, Crowd } from './kept.ts'
import type { Memory } from './memory.ts'

const membersMax = 1_000

/** What accounts were found by: what they share, or whose queries follow whose. */
export interface Found {
  /** Of a crowd that begins with it. */
  readonly id: string
  readonly sinceMs: number
  /** What the evidence is pooled over. */
  readonly over: string
  readonly top: number
  /** What that evidence had to pass, where it is none of a cell's. */
  readonly line?: number
  /**
   * More than the order of their queries speaks against them. Order tells who belongs together, not what for: whoever deals out
   * work, and a balancer of loads, does it too.
   */
  readonly backed: boolean
  /** Whether its reasons take the place of others. */
  readonly tells: boolean
  readonly members: readonly { readonly principal: string; readonly why: (account: Account) => string }[]
}

/** By how much a crowd's last query may be out of date. */
const awakeMs = 3_600_000

/** An account asks: the crowd that it is in is not forgotten. */
export function keepAwake(memory: Memory, { crowd: id }: Account, timeMs: number): void {
  const crowd = id === undefined ? undefined : memory.crowd(id)
  if (id === undefined || crowd === undefined || timeMs - crowd.lastMs < awakeMs) return
  crowd.lastMs = timeMs
  memory.keepCrowd(id, crowd)
}

/** Puts those found into a crowd: its id, and a finding where it has grown. */
export function gather(
  model: string,
  memory: Memory,
  found: Found,
  timeMs: number,
  { accountsMin, line }: { readonly accountsMin: number; readonly line: number },
): { readonly id: string; readonly told: BehaviorFinding | undefined } {
  const ids = [...new Set(found.members.flatMap(({ principal }) => memory.known(principal)?.crowd ?? []))].sort()
  const known = ids.flatMap((id) => {
    const crowd = memory.crowd(id)
    return crowd === undefined ? [] : [{ id, crowd }]
  })
  known.sort((a, b) => a.crowd.sinceMs - b.crowd.sinceMs || (a.id < b.id ? -1 : 1))
  const id = known[0]?.id ?? found.id
  const crowd = known[0]?.crowd ?? newCrowd(found.sinceMs)
  for (const { id: other, crowd: merged } of known.slice(1)) merge(memory, id, crowd, other, merged)
  for (const { principal, why } of found.members) join(memory, id, crowd, principal, why, found.tells)
  crowd.lastMs = Math.max(crowd.lastMs, timeMs)
  // Each line is told with the evidence that has passed it.
  crowd.top = found.line === undefined ? Math.max(crowd.top, found.top) : found.top
  if (!crowd.cells.includes(found.over) && crowd.cells.length < 16) crowd.cells.push(found.over)
  const members = Object.keys(crowd.members)
  const isNews = members.length > crowd.told || known.length > 1
  if (found.backed) crowd.backed = true
  // One that was told by an earlier version goes on being told.
  const isBacked = crowd.backed === true || crowd.told > 0
  const tell = isNews && isBacked && (crowd.told > 0 || tenantsOf(memory, members) >= accountsMin)
  if (tell) {
    crowd.version++
    crowd.told = members.length
    crowd.series.push([timeMs, members.length])
    if (crowd.series.length > 64) crowd.series.splice(1, 1)
  }
  memory.keepCrowd(id, crowd)
  return {
    id,
    told: tell
      ? describeCrowd(model, id, crowd, (principal) => memory.known(principal), found.line ?? line)
      : undefined,
  }
}

function tenantsOf(memory: Memory, members: readonly string[]): number {
  return new Set(members.flatMap((principal) => memory.known(principal)?.tenant ?? [])).size
}

function join(
  memory: Memory,
  id: string,
  crowd: Crowd,
  principal: string,
  why: (account: Account) => string,
  tells: boolean,
): void {
  const account = memory.known(principal)
  if (account === undefined) return
  const isNew = !Object.hasOwn(crowd.members, principal)
  if (isNew && Object.keys(crowd.members).length >= membersMax) return
  // What says the least about it does not take the place of another reason.
  if (isNew || tells) set(crowd.members, principal, why(account))
  if (account.crowd === id) return
  account.crowd = id
  memory.keepAccount(principal, account)
}

function merge(memory: Memory, id: string, into: Crowd, other: string, merged: Crowd): void {
  for (const [principal, why] of Object.entries(merged.members)) {
    if (Object.keys(into.members).length >= membersMax) break
    set(into.members, principal, why)
    const account: Account | undefined = memory.known(principal)
    if (account === undefined) continue
    account.crowd = id
    memory.keepAccount(principal, account)
  }
  if (merged.told > 0) into.supersedes = [...into.supersedes, other].slice(-64)
  if (merged.backed === true) into.backed = true
  into.top = Math.max(into.top, merged.top)
  into.cells = [...new Set([...into.cells, ...merged.cells])].slice(0, 16)
  memory.dropCrowd(other)
}

/** Names of accounts come from outside: `__proto__` is one like any other. */
function set(members: Record<string, string>, principal: string, why: string): void {
  Object.defineProperty(members, principal, { value: why, enumerable: true, writable: true, configurable: true })
}

function newCrowd(sinceMs: number): Crowd {
  return { sinceMs, lastMs: sinceMs, version: 0, told: 0, members: {}, supersedes: [], top: 0, cells: [], series: [] }
}
