import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { FencedError } from '../../core/errors.ts'
import type { OutgoingRecord } from '../../core/ports/bus.ts'
import { silentLog } from '../../runtime/log.ts'
import { Journal } from './journal.ts'

const fact = (value: string): OutgoingRecord => ({ topic: 't', value })

/** A journal whose transactions end when they are told to. */
function journalOf() {
  const begun: string[][] = []
  const ends: PromiseWithResolvers<undefined>[] = []
  const commit = async (records: readonly OutgoingRecord[]): Promise<void> => {
    begun.push(records.map(({ value }) => value as string))
    const end = Promise.withResolvers<undefined>()
    ends.push(end)
    await end.promise
  }
  return { journal: new Journal(commit, new AbortController().signal, silentLog), begun, ends }
}

describe('the journal', () => {
  test('writes in one transaction what several actions tell at once, and in the next one what comes meanwhile', async () => {
    const { journal, begun, ends } = journalOf()
    const told = Promise.all([
      journal.append(fact('a')),
      Promise.resolve().then(() => journal.append(fact('b'))),
      journal.append(fact('c')),
    ])
    await nextTurn()
    expect(begun).toEqual([['a', 'c', 'b']])
    const later = [journal.append(fact('d')), nextTurn().then(() => journal.append(fact('e')))]
    await nextTurn()
    await nextTurn()
    expect(begun).toHaveLength(1)
    ends[0]!.resolve(undefined)
    await told
    await nextTurn()
    expect(begun[1]).toEqual(['d', 'e'])
    ends[1]!.resolve(undefined)
    await Promise.all(later)
  })

  test('rejects what waits when it has been fenced off', async () => {
    const { journal, ends } = journalOf()
    const first = journal.append(fact('a'))
    await nextTurn()
    const second = journal.append(fact('b'))
    ends[0]!.reject(new FencedError('taken over'))
    await expect(first).rejects.toThrow(FencedError)
    await expect(second).rejects.toThrow(FencedError)
  })
})
