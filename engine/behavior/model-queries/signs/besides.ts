/**
 * What an account that is named is named besides; and which of what looks like membership inference is a test with
 * records that one has. Pure.
 */
import type { Account } from '../account/account.ts'
import { queryThreats, shows, type QueryThreat } from '../account/evidence.ts'
import type { Counted, Suspicion } from '../account/suspicion.ts'

/** Of those asked while training records are: so many must be others, and such a share, for it to be membership inference. */
const othersMin = 3
const othersShare = 0.1
/**
 * More records than that are none of a suite: who asks all of its records first is to be named by its 75th query, and
 * of seventy one or two are taken for known (asked-members.ts). A choice, not a rate.
 */
const suiteMax = 68
/**
 * Ways between different pairs of inputs from which a search for the boundary is a harvest of it: three pairs are no
 * one input's.
 */
const waysMin = 3
/** Values of one input that are halved, from which on it is no search around that: three weights are of a model. */
const halvedMin = 3
/** A share of records that is none of what an account is after, and bets (evidence.ts) against there being no more. */
interface Chance {
  readonly share: number
  readonly gains: readonly number[]
}

/** Of what more is made of, five times what passes a filter without being one of its records. */
const copiedByChance: Chance = { share: 0.0005, gains: [0.1, 0.4] }
/** Of all that is asked, copies included, what an honest account may make copies of. */
const askedByChance: Chance = { share: 0.002, gains: [0.02, 0.1] }
/** What bets must come to: by Ville's inequality each names one in a hundred of the accounts that are named already. */
const line = 100

/**
 * Whether hardly anything but training records was asked as long as any were: who has those has nothing to infer, and
 * tests a model with them. Candidates of whom nobody knows are others among them.
 */
export function isSuite({ queries, records = 0, among = queries - records }: Suspicion): boolean {
  return records <= suiteMax && among < Math.max(othersMin, othersShare * (records + among))
}

/** Whether what is named already is to be named this as well. */
export function isBesides(threat: QueryThreat, suspicion: Suspicion, account: Account): boolean {
  return (
    (threat === 'membership-inference' && isOnRecords(suspicion, account)) ||
    (threat === 'extraction' && isHarvest(suspicion, account))
  )
}

/**
 * Whether a search that was named goes on between ever other pairs of inputs, or from where the boundary was met along
 * one value after the other (Lowd and Meek 2005): so the whole boundary is copied, and no one input is fooled.
 */
function isHarvest({ shown, halved = 0 }: Suspicion, { told }: Account): boolean {
  return ((shown['way'] ?? 0) >= waysMin || halved >= halvedMin) && told[queryThreats.indexOf('boundary-search')]! > 0
}

/** Whether what was named is done to training records, as a search for the boundary around one is. */
function isOnRecords({ queries, records = 0, copied }: Suspicion, { told }: Account): boolean {
  if (records === 0 && copied === undefined) return false
  if (!told.some((since, index) => since > 0 && queryThreats[index] !== 'membership-inference')) return false
  const byCopies = copied === undefined ? 0 : evidenceOf(copied, copiedByChance)
  return byCopies >= line || evidenceOf({ of: queries, records }, askedByChance) >= line
}

/** The mean of the bets. */
function evidenceOf({ of, records }: Counted, { share, gains }: Chance): number {
  const each = gains.map((gain) =>
    Math.exp(records * Math.log(1 - gain + gain / share) + (of - records) * Math.log(1 - gain)),
  )
  return each.reduce((sum, value) => sum + value, 0) / each.length
}

/** Counts what a query showed of records. */
export function noteRecords(suspicion: Suspicion, bits: number, counts: number): void {
  const isRecord = (bits & shows.member) !== 0
  if (isRecord) suspicion.records = (suspicion.records ?? 0) + 1
  if (isRecord) {
    // Older versions kept how many there were, and not since when.
    suspicion.before ??= suspicion.records! > 1 ? 0 : suspicion.queries - 1
    suspicion.among = suspicion.queries - suspicion.before - suspicion.records!
  }
  if ((counts & shows.copied) === 0) return
  const { of, records } = suspicion.copied ?? { of: 0, records: 0 }
  suspicion.copied = { of: of + 1, records: records + Number((bits & shows.copied) !== 0) }
}
