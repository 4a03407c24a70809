import { expect, test } from 'vitest'
import { randomOf } from '../../../../test/support/random.ts'
import { Names } from '../queries/names.ts'
import { Turns, type TurnsJson } from './turns.ts'

const tenants = 12

/** Whether the last calls are of tenants that come in sessions, so many calls at a time. */
function inSessions(callsAtATime: number): boolean {
  const random = randomOf(callsAtATime)
  const names = new Names()
  let turns = new Turns(names)
  let [timeMs, is] = [0, false]
  for (let n = 0; n < 400; n++) {
    if (n % 100 === 0) turns = new Turns(names, JSON.parse(JSON.stringify(turns)) as TurnsJson)
    const tenant = names.of(`t${Math.floor(random() * tenants)}`)
    for (let k = 0; k < callsAtATime; k++) {
      timeMs += 60_000
      is = turns.comeInSessions(tenant, timeMs)
      turns.take(tenant, timeMs)
    }
  }
  return is
}

test('tenants that call several times before most others do come in sessions, and those that are dealt calls at random do not', () => {
  expect(inSessions(1)).toBe(false)
  expect(inSessions(4)).toBe(true)
})

test('who comes beside accounts in turn, and less often than each of them, takes no turn', () => {
  const random = randomOf(4)
  const names = new Names()
  const turns = new Turns(names)
  const beside = names.of('beside')
  let [timeMs, own, due] = [0, 0, 120]
  for (let n = 0; n < 3_000; n++) {
    timeMs += 30_000 * (0.5 + random())
    turns.take(names.of(`t${n % tenants}`), timeMs)
    if (n < due) continue
    own += turns.take(beside, timeMs + 1)
    due = n + tenants * (1.6 + 1.2 * random())
  }
  expect(own).toBeLessThanOrEqual(0)
})
