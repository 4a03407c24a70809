import fc from 'fast-check'
import { expect, test } from 'vitest'
import { NamedValues } from './named-values.ts'

test('what is put in and taken out by name is the same in the object and in the map beside it, also after a restart', () => {
  const name = fc.constantFrom('a', 'b', '7', '__proto__', 'constructor')
  const step = fc.oneof(
    fc.record({ set: name, to: fc.nat(9) }),
    fc.record({ delete: name }),
    fc.constant({ restart: true as const }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const named = new NamedValues<{ n: number }>()
      const model = new Map<string, number>()
      let values: Record<string, { n: number }> = {}
      for (const each of steps) {
        if ('set' in each) {
          named.set(values, each.set, { n: each.to })
          model.set(each.set, each.to)
        } else if ('delete' in each) {
          named.delete(values, each.delete)
          model.delete(each.delete)
        } else values = JSON.parse(JSON.stringify(values)) as typeof values
        const expected = new Set([...model].map(([key, n]) => `${key} ${n}`))
        expect(new Set([...named.of(values)].map(([key, { n }]) => `${key} ${n}`))).toEqual(expected)
        expect(new Set(Object.entries(values).map(([key, { n }]) => `${key} ${n}`))).toEqual(expected)
      }
    }),
  )
})
