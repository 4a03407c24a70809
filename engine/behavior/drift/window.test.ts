import { expect, test } from 'vitest'
import { channelNames } from './channels.ts'
import { movedIn, newWatch } from './window.ts'

test('an account whose first answers told nothing of what has moved has neither moved nor not', () => {
  const of = (value: number | null, count: number): (number | null)[][] =>
    Array.from({ length: count }, () => channelNames.map(() => value))
  const watch = newWatch()
  watch.accounts['t/silent'] = { reference: of(null, 24), lastMs: 1, newest: of(1, 8) }
  watch.accounts['t/moved'] = { reference: of(0, 24), lastMs: 1, newest: of(1, 8) }
  watch.accounts['t/still'] = { reference: of(0, 24), lastMs: 1, newest: of(0, 8) }
  const shift = { channel: 0, distance: 1, line: 0.3, stability: 1, at: 0, side: -1, usual: 1 } as const
  expect(movedIn(watch, shift, 0)).toEqual({
    judged: 2,
    moved: ['t/moved'],
    far: [
      ['t/still', -0],
      ['t/moved', 1],
    ],
  })
})
