import { expect, test } from 'vitest'
import { channelNames, Channels } from './channels.ts'

/** Which channels of the newest of so many places are known. */
function known(count: number, isEmpty: (back: number) => boolean): string[] {
  const at = (back: number): number | undefined => (isEmpty(back) ? undefined : 100 + (back % 7))
  const values = new Channels(0).next(at, count)
  return channelNames.filter((_, n) => !Number.isNaN(values[n]))
}

test('levels and spreads are known where half of their places have values, and not where fewer do', () => {
  const ofMany = ['level of 12', 'level of 48', 'spread of 48']
  expect(known(64, (back) => back % 3 === 2)).toEqual(expect.arrayContaining(ofMany))
  const few = known(64, (back) => back % 3 !== 0)
  for (const name of ofMany) expect(few).not.toContain(name)
})

test('a place without a value has no channels', () => {
  expect(known(64, (back) => back === 0)).toEqual([])
})
