/**
 * Where the meter's state belongs when its log gets more partitions. A meter whose record is named by its account goes with
 * the account's principal; one that has its partition in its name stays, since what was used is the sum over all records.
 *
 * What is settled for one is settled for all: a period that was closed in one partition must not be opened in another.
 */
import { dealIds, joinIds, most, newest, numberAnew, type Home, type Rekey } from '../../runtime/stage/rekey.ts'
import type { Account } from './use.ts'

interface SavedClock {
  readonly completeMs: number | null
  readonly toldAppendedMs: number
  readonly toldCompleteMs: number
}

function homeOf(key: string, value: unknown): Home {
  if (key.startsWith('told-') || key === 'clock') return 'everywhere'
  if (!key.startsWith('meter/')) return 'here'
  const { account, kind, coarse, incomplete } = value as {
    readonly account: Account
    readonly kind: string
    readonly coarse: boolean
    readonly incomplete: boolean
  }
  const named = kind === 'total' && !coarse && !incomplete
  return named && account.principal !== undefined ? { logKey: account.principal } : 'here'
}

export const meterRekey: Rekey = {
  reached: 'most',
  deal: (key, value, _entries, from) => dealIds(key, value, from) ?? [{ home: homeOf(key, value), key, value }],
  join(key, values) {
    if (key !== 'clock') return joinIds(key, values) ?? newest(values)
    const clocks = values as readonly SavedClock[]
    return {
      completeMs: most(clocks.map(({ completeMs }) => completeMs)),
      toldAppendedMs: Math.max(...clocks.map(({ toldAppendedMs }) => toldAppendedMs)),
      toldCompleteMs: Math.max(...clocks.map(({ toldCompleteMs }) => toldCompleteMs)),
    }
  },
  finish: numberAnew,
}
