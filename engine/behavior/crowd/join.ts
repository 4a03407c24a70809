/**
 * Who of those who share something with a crowd is one of it: a lower line for whom its networks are shared by few others. Pure.
 */
import { sums } from './params.ts'

/** Of what somebody brought to a cell, what this looks at. */
interface Brought {
  readonly logs: readonly number[]
}

/** Those who share something (cell.ts). */
interface Sharers {
  readonly kind: string
  readonly shares: ReadonlyMap<string, Brought>
  readonly crossed: boolean
  readonly by: readonly number[] | undefined
}

/** That an honest account which shares something with a crowd is taken for one of it: at most one in a hundred. */
const byChance = 1 / 100
/** The same where nearly all who share its network are of the crowd. */
const byChanceAmong = 1 / 20

/**
 * The mean of an honest account's products passes 1 / `byChance` ever with a probability of at most `byChance` (Ville's
 * inequality), however long it shares something with a crowd.
 */
export function isMember(cell: Sharers, principal: string): boolean {
  const share = cell.shares.get(principal)
  const brought = share === undefined ? 0 : broughtBy(share, cell.by)
  return brought >= 1 / byChance || (brought >= 1 / byChanceAmong && brought >= lineToJoin(cell))
}

/**
 * Where a crowd shares its networks the line falls with how many of those who share them are named: Holm's (1979) steps down, from that of one account.
 * That any honest account of m is named keeps the bound it had without, m times `byChance`; each of them, `byChanceAmong`.
 */
export function lineToJoin(cell: Sharers): number {
  const { shares, crossed, by } = cell
  if (!crossed || !isShared(cell)) return 1 / byChance
  const brought = Array.from(shares.values(), (share) => broughtBy(share, by)).sort((a, b) => b - a)
  let line = 1 / byChance
  for (let named = 0; named < brought.length && brought[named]! >= line; named++)
    line = Math.max(1 / byChanceAmong, (brought.length - 1 - named) / (brought.length * byChance))
  return line
}

/** The mean of what it brought of each kind, or of those by which the crowd was told that it shares a network with. */
export function broughtBy({ logs }: Brought, by: readonly number[] | undefined): number {
  let [total, count] = [0, 0]
  for (let sum = 0; sum < sums.length; sum++) {
    if (by === undefined ? logs[sum] === 0 : !by.includes(sum)) continue
    count++
    total += Math.exp(Math.min(50, logs[sum]! / 1e3))
  }
  return total / Math.max(1, count)
}

/** Whether those in it share networks, and not a program or the model alone. */
export function isShared({ kind }: Pick<Sharers, 'kind'>): boolean {
  return kind === 'network' || kind === 'crowded'
}
