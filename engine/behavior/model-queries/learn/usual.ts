/**
 * How often honest accounts of one model show each kind of evidence: in a narrow table chance neighbors are frequent, customers
 * with one odd camera may be many. A bet against what honest accounts of this very model do would name them.
 *
 * The rate is that of an account near the top, not of all queries: no single account teaches it, nor any less than a
 * tenth of them. Accounts with few queries are drawn to the rate of all. What most accounts nearly always show says
 * nothing against anyone. Pure.
 *
 * Customers are drawn from a population, and their queries from each (two-layer hierarchical models: Dunn, Wasserman
 * and Ramdas 2022): of so many accounts a new one is exchangeable with each, so that its rate is above the k-th highest
 * of n with a probability of k / (n + 1). Lines drawn over all queries do not tell that. So of how unlike honest inputs
 * its queries are, what one account in a hundred shows is told as well.
 */
import { Account } from '../account/account.ts'
import { kindsShown, roomMax, shows, usualToAll } from '../account/evidence.ts'
import { isBlackAndWhite, keyOfText, type InputKind } from '../../input/input.ts'
import { levelCount, openReference, type Sample, type ToldReference } from '../honest/reference.ts'
import { shownBy } from '../signs/shown.ts'
import { alikeMin, evennessOf } from '../shapes/steps.ts'
import { besidesStrides, isTable, StridesKept, StridesSeen, widthOf } from '../signs/strides.ts'
import { inUnits, type Units } from '../../input/units.ts'

/** Fewest queries of an account from which it says something, and how many of the usual rate it is given besides. */
const queriesMin = 20
const drawn = 20
/** Share of the accounts that may show more than the one whose rate is taken; at least one of them does. */
const topShare = 0.1
/** The same of what is unlike honest inputs: it gives less room (evidence.ts), so fewer accounts may teach it. */
const rareShare = 0.01
const unlike = Array.from({ length: levelCount }, (_, n) => shows.novelty(n) | shows.margin(n)).reduce((a, b) => a | b)
/** Fewest accounts from which anything is learned. */
const accountsMin = 5

/**
 * A rate for each bit of `shows`, by its place, of an account near the top and of one nearer to it; what nothing is
 * known of is 0.
 */
export function usualOf(
  told: ToldReference,
  accounts: readonly (readonly Sample[])[],
  kind: InputKind,
): Required<Pick<ToldReference, 'usual' | 'rare'>> {
  const reference = openReference(told)
  const known = accounts.filter(({ length }) => length >= queriesMin)
  const none = kindsShown.map(() => 0)
  if (reference === undefined || known.length < accountsMin) return { usual: none, rare: none }
  const account = new Account(told.dimension)
  const each = known.map((samples) => {
    const shown = kindsShown.map(() => ({ counts: 0, hits: 0 }))
    const strides = new StridesKept(widthOf(told.dimension))
    account.open(account.begin(0))
    for (const { x, label, margin } of samples) {
      const of = { kind, label, margin: Number.isNaN(margin) ? undefined : margin }
      const input = { ...of, x: new Float64Array(x), blackAndWhite: kind === 'features' && isBlackAndWhite(x) }
      const alone = shownBy(account, { input, member: false }, reference, false)
      const { bits, counts, notes } = besidesStrides(strides, account, input, told, alone)
      account.remember(keyOfText(label), notes)
      for (const [n, bit] of kindsShown.entries()) {
        if ((counts & bit) === 0) continue
        shown[n]!.counts++
        if ((bits & bit) !== 0) shown[n]!.hits++
      }
    }
    return shown
  })
  const [top, rarer] = [topShare, rareShare].map((share) => Math.max(1, Math.floor(share * known.length)))
  const sorted = kindsShown.map((_, n) => {
    const counts = each.reduce((sum, shown) => sum + shown[n]!.counts, 0)
    const hits = each.reduce((sum, shown) => sum + shown[n]!.hits, 0)
    const all = hits / Math.max(1, counts)
    const rates = each.map((shown) => (shown[n]!.hits + drawn * all) / (shown[n]!.counts + drawn))
    return rates.sort((a, b) => b - a)
  })
  return {
    usual: sorted.map((rates) => {
      // As queries of a table lie on lines where one column is a thousand times as wide as the others.
      if (rates[Math.floor(rates.length / 2)]! > roomMax) return usualToAll
      return rounded(rates[top!]!)
    }),
    rare: sorted.map((rates, n) => ((kindsShown[n]! & unlike) === 0 ? 0 : rounded(rates[rarer!]!))),
  }
}

function rounded(rate: number): number {
  return Math.round(1e4 * rate) / 1e4
}

/**
 * How often two differences of an input to the closest earlier one of its account are equal, in the units of its table:
 * of an account near the top as well.
 */
export function alikeOf(accounts: readonly (readonly Sample[])[], units?: Units): number {
  const each = accountByAccount(
    accounts,
    units,
    () => ({ compared: 0, equal: 0 }),
    (sums, account) => {
      const looked = account.lookedAt()
      const earlier = account.closest()
      const even = earlier === undefined ? undefined : evennessOf(looked, earlier.values)
      if (even === undefined) return
      // The first of the equal ones is equal to itself.
      sums.compared += even.differ - 1
      sums.equal += even.equal - 1
    },
  )
  return topRateOf(each)
}

/**
 * How often a difference to an earlier input that lies near is as long as one before it in the same column
 * (strides.ts); undefined where none are of a table.
 */
export function stridesOf(
  accounts: readonly (readonly Sample[])[],
  { scale, units, dimension }: Pick<ToldReference, 'scale' | 'units' | 'dimension'>,
): number | undefined {
  if (!accounts.some((samples) => samples.some(({ x }) => isTable({ kind: 'features', x })))) return undefined
  const seen = (): StridesSeen => new StridesSeen(dimension)
  return topRateOf(accountByAccount(accounts, units, seen, (sums, account) => sums.take(account, scale)))
}

/** What is made of each account's inputs, one after the other. */
function accountByAccount<T>(
  accounts: readonly (readonly Sample[])[],
  units: Units | undefined,
  begin: () => T,
  take: (sums: T, account: Account) => void,
): readonly T[] {
  const account = new Account(accounts[0]![0]!.x.length)
  return accounts.map((samples) => {
    const sums = begin()
    account.open(account.begin(0))
    for (const { x } of samples) {
      account.rounded(inUnits(new Float64Array(x), units))
      account.ring()
      take(sums, account)
      account.remember(0, 0)
    }
    return sums
  })
}

function topRateOf(each: readonly { readonly compared: number; readonly equal: number }[]): number {
  const all = each.reduce((sum, { equal }) => sum + equal, 0) / Math.max(1, each.reduce((sum, { compared }) => sum + compared, 0)) // prettier-ignore
  const rates = each.map(({ compared, equal }) => (equal + drawn * all) / (compared + drawn)).sort((a, b) => b - a)
  const top = Math.max(1, Math.floor(topShare * each.length))
  return Math.max(alikeMin, Math.round(1e3 * (rates[top] ?? all)) / 1e3)
}
