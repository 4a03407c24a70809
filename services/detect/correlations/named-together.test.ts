import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Entity } from '../../../core/signal.ts'
import { NamedEntities } from './named-entities.ts'
import { NamedTogether } from './named-together.ts'

const entity = (type: Entity['type'], id: string): Entity => ({ type, id })
const lists: readonly (readonly Entity[])[] = [
  [entity('principal', 't/a'), entity('address', '192.0.2.1'), entity('model', 'm')],
  [entity('principal', 't/a'), entity('address', '192.0.2.2'), entity('model', 'm')],
  // Another list with the same names, and one that names two of a type.
  [entity('principal', 't/a'), entity('address', '192.0.2.1'), entity('model', 'm')],
  [entity('address', '192.0.2.1'), entity('address', '192.0.2.3')],
  [],
  [entity('session', '\u0001'.repeat(700))],
]

describe('who was named when', () => {
  test('is the same while all events name the same as when each is looked up, whatever comes after, also after a restart', () => {
    const step = fc.record({
      list: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.nat(lists.length - 1)),
      later: fc.integer({ min: -3_000, max: 9_000 }),
      restart: fc.integer({ min: 0, max: 20 }).map((n) => n === 0),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        let together = new NamedTogether()
        let apart = new NamedEntities([])
        let t = 100_000
        for (const { list, later, restart } of steps) {
          t += later
          for (const named of [together, apart]) named.note(lists[list]!, t, 5_000, () => t - 200_000)
          if (restart) {
            together = new NamedTogether(JSON.parse(JSON.stringify(together)) as [])
            apart = new NamedEntities(JSON.parse(JSON.stringify(apart)) as [])
          }
          expect(JSON.parse(JSON.stringify(together))).toEqual(JSON.parse(JSON.stringify(apart)))
          expect(together.between(t - 20_000, t - 5_000)).toEqual(apart.between(t - 20_000, t - 5_000))
        }
      }),
    )
  })

  test('of a caller who is busy for long is forgotten as far as no finding needs it', () => {
    const together = new NamedTogether()
    for (let n = 0; n < 1_000; n++) together.note(lists[0]!, n * 5_000, 5_000, () => (n - 10) * 5_000)
    expect(JSON.stringify(together).length).toBeLessThan(6_000)
  })
})
