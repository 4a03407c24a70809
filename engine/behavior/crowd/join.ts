/**
 * Who of those who share something with a crowd is one of it: a lower line for whom its networks are shared by few
 * others, and less to bring for whom began when its accounts did. Pure.
 */
import { sums } from './params.ts'

/** Of what somebody brought to a cell, what this looks at. */
interface Brought {
  readonly logs: readonly number[]
  /** When it was seen at the model first; states of before don't tell. */
  readonly bornMs?: number | undefined
}

/** Those who share something (cell.ts). */
interface Sharers {
  readonly kind: string
  readonly shares: ReadonlyMap<string, Brought>
  readonly crossed: boolean
  readonly by: readonly number[] | undefined
  /** For how long accounts of the model have been seen. */
  readonly observedMs: number
}

/** That an honest account which shares something with a crowd is taken for one of it: at most one in a hundred. */
const byChance = 1 / 100
/** The same where nearly all who share its network are of the crowd. */
const byChanceAmong = 1 / 20
/**
 * Fewest accounts that tell when those of a crowd began; these lie between the tenths of them that began first and
 * last, or not much before or after.
 */
const bornMin = 4
const bornEnds = 0.1
const bornAround = 0.5
const bornMinMs = 60_000
/** Honest accounts begin so much oftener at some times than they do on the average: by day, on workdays, when a course begins. */
const bornCrowding = 10
const observedMaxMs = 7 * 86_400_000

/**
 * The mean of an honest account's products passes 1 / `byChance` ever with a probability of at most `byChance` (Ville's
 * inequality), however long it shares something with a crowd.
 */
export function isMember(cell: Sharers, principal: string): boolean {
  const share = cell.shares.get(principal)
  const brought = share === undefined ? 0 : broughtBy(share, cell.by)
  if (brought >= 1 / byChance) return true
  return share !== undefined && brought > 1 && together(cell)(share) >= lineToJoin(cell)
}

/**
 * Where a crowd shares its networks the line falls with how many of those who share them are named: Holm's (1979) steps
 * down, from that of one account. That any honest account of m is named keeps the bound it had without, m times
 * `byChance`; each of them, `byChanceAmong`.
 */
export function lineToJoin(cell: Sharers): number {
  const { shares, crossed } = cell
  if (!crossed || !isShared(cell)) return 1 / byChance
  const brought = Array.from(shares.values(), together(cell)).sort((a, b) => b - a)
  let line = 1 / byChance
  for (let named = 0; named < brought.length && brought[named]! >= line; named++)
    line = Math.max(1 / byChanceAmong, (brought.length - 1 - named) / (brought.length * byChance))
  return line
}

/**
 * What each brought, times what it says that it began when those did who brought enough by that alone: an honest
 * account begins when it likes, so in that time with a probability of at most `bornCrowding` times its share of all the
 * time seen. Where that is at most `byChanceAmong`, who did counts as one over that: with a mean of at most one,
 * whatever they ask. Who brought nothing of its own is not counted so.
 */
export function together(cell: Sharers): (share: Brought) => number {
  const { shares, by, crossed } = cell
  const window = crossed && isShared(cell) ? bornIn(shares.values(), by, cell.observedMs) : undefined
  return (share) => {
    const brought = broughtBy(share, by)
    if (window === undefined || share.bornMs === undefined || brought <= 1) return brought
    return share.bornMs >= window[0] && share.bornMs <= window[1] ? brought / byChanceAmong : brought
  }
}

/** In which time those of a crowd began; undefined: at too many times, or too few tell. */
function bornIn(
  shares: Iterable<Brought>,
  by: readonly number[] | undefined,
  observedMs: number,
): readonly [fromMs: number, toMs: number] | undefined {
  const born: number[] = []
  for (const share of shares)
    if (share.bornMs !== undefined && broughtBy(share, by) >= 1 / byChance) born.push(share.bornMs)
  if (born.length < bornMin) return undefined
  born.sort((a, b) => a - b)
  const end = Math.floor(bornEnds * born.length)
  const [first, last] = [born[end]!, born[born.length - 1 - end]!]
  const around = bornAround * Math.max(bornMinMs, last - first)
  const share = (last - first + 2 * around) / Math.max(1, Math.min(observedMs, observedMaxMs))
  return bornCrowding * share <= byChanceAmong ? [first - around, last + around] : undefined
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
