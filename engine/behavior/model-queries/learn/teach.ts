/**
 * What an account teaches of a model's benign traffic with a query, or takes back: it goes to the step behind the
 * shuffle (learn.ts).
 */
import type { Shuffled } from '../../types.ts'
import type { Account } from '../account/account.ts'
import { packedInBlackAndWhite, packedInput, type QueryInput } from '../../input/input.ts'
import type { ToTeach } from './learn.ts'
import { packedOdds } from '../../input/odds.ts'

/** Queries an account may teach with in one epoch of event time. */
const taughtMax = 256
const epochMs = 7 * 86_400_000

/**
 * `since`: the last drift of the model, if any; `isSuspect`: the account is under suspicion, and takes back what it
 * taught, once.
 */
export function teachingOf(
  group: readonly string[],
  account: Account,
  { input, timeMs }: { readonly input: QueryInput; readonly timeMs: number },
  since: number | undefined,
  isSuspect: boolean,
): Shuffled[] {
  const to = [group[1]!, input.kind]
  const principal = group[0]!
  if (isSuspect) {
    if (account.withdrawn) return []
    account.withdrawn = true
    return [{ group: to, observation: { principal, timeMs, sample: null } satisfies ToTeach }]
  }
  // Weeks begin anew with a drift: all has to be taught again.
  const epoch = since === undefined ? Math.floor(timeMs / epochMs) : since + Math.floor((timeMs - since) / epochMs)
  if (account.withdrawn || !account.teaches(epoch, taughtMax)) return []
  const odds = packedOdds(input.probabilities)
  const blackAndWhite = packedInBlackAndWhite(input)
  const sample = { x: packedInput(input), label: input.label, margin: input.margin ?? null, odds, blackAndWhite }
  const taught: ToTeach = { principal, timeMs, sample, since }
  return [{ group: to, observation: taught }]
}
