import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compilePath } from './field-path.ts'
import { FieldReader } from './fields.ts'

const name = fc.constantFrom('a', 'b', 'c', 'a.b', 'b.c', 'a.b.c', '0', '__proto__', 'constructor')
const tree = fc.letrec((tie) => ({
  leaf: fc.constantFrom<unknown>(1, 'x', null, false, []),
  node: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'tree' },
    tie('leaf'),
    tie('map'),
    fc.array(tie('node'), { maxLength: 2 }),
  ),
  map: fc
    .array(fc.tuple(name, tie('node')), { maxLength: 4 })
    // As JSON.parse makes it: `__proto__` is a key like any other.
    .map(
      (entries) =>
        JSON.parse(`{${entries.map(([key, value]) => `"${key}":${JSON.stringify(value)}`).join(',')}}`) as object,
    ),
}))
const paths = [
  'a',
  'b',
  'a.b',
  'a.b.c',
  'b.c',
  'a.0',
  'a.0.b',
  'c.a.b',
  'constructor',
  'a.constructor',
  '__proto__.a',
  'c',
]

describe('fields found in one walk over the event', () => {
  it('are those that reading each path by itself finds, event after event', () => {
    fc.assert(
      fc.property(
        fc.array(tree.map, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 0, max: paths.length }),
        (events, known) => {
          const reader = new FieldReader()
          for (const path of paths.slice(0, known)) reader.slot(path)
          for (const event of events as Record<string, unknown>[]) {
            reader.read(event)
            for (const path of paths) {
              expect({ path, value: reader.value(reader.slot(path)) }).toEqual({
                path,
                value: compilePath(path)(event),
              })
            }
          }
        },
      ),
      { numRuns: 2_000 },
    )
  })

  it('of a record that came flattened are found under their dotted names', () => {
    const reader = new FieldReader()
    const slot = reader.slot('userIdentity.sessionContext.mfa')
    reader.read({ 'userIdentity.sessionContext.mfa': 'TRUE' })
    expect(reader.folded(slot)).toBe('true')
    reader.read({ userIdentity: { sessionContext: { mfa: 'false' } } })
    expect(reader.folded(slot)).toBe('false')
    reader.read({})
    expect(reader.folded(slot)).toBeUndefined()
  })
})
