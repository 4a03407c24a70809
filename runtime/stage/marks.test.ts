import { describe, expect, it } from 'vitest'
import { formatMark, Marks, originOf } from './marks.ts'

describe('a redelivery mark', () => {
  const origin = originOf('detect', 'warden.events', 3)

  it('passes once, and what is not above it never again', () => {
    const marks = new Marks()
    expect(marks.passes(formatMark(origin, 10, 0))).toBe(true)
    expect(marks.passes(formatMark(origin, 10, 1))).toBe(true)
    for (const [offset, index] of [
      [10, 1],
      [10, 0],
      [9, 7],
    ] as const) {
      expect(marks.passes(formatMark(origin, offset, index))).toBe(false)
    }
    expect(marks.passes(formatMark(origin, 11, 0))).toBe(true)
  })

  it('of one origin says nothing about another', () => {
    const marks = new Marks()
    marks.passes(formatMark(originOf('a', 't', 0), 100, 0))
    expect(marks.passes(formatMark(originOf('a', 't', 1), 1, 0))).toBe(true)
    expect(marks.passes(formatMark(originOf('b', 't', 0), 1, 0))).toBe(true)
  })

  it('is judged by its own origin, however origins alternate, and also where one is the beginning of another', () => {
    const [marks, apart] = [new Marks(), new Map<string, Marks>()]
    let next = 1
    for (let turn = 0; turn < 2_000; turn++) {
      next = (next * 48_271) % 2_147_483_647
      const from = ['a', 'a:b', 'b/t/0'][next % 3]!
      const mark = formatMark(from, Math.floor(next / 7) % 40, Math.floor(next / 1_000) % 3)
      const own = apart.get(from) ?? new Marks()
      apart.set(from, own)
      // What is not the origin of the mark before is looked up anew.
      const expected = new Marks(own.save()).passes(mark)
      own.passes(mark)
      expect(marks.passes(mark)).toBe(expected)
    }
  })

  it('is remembered by what was saved', () => {
    const marks = new Marks()
    marks.passes(formatMark(origin, 10, 4))
    const restored = new Marks(JSON.parse(JSON.stringify(marks.save())) as ReturnType<Marks['save']>)
    expect(restored.passes(formatMark(origin, 10, 4))).toBe(false)
    expect(restored.passes(formatMark(origin, 10, 5))).toBe(true)
  })

  it.each(['', 'x', 'a/b/0:', 'a/b/0:1', 'a/b/0:x.1', ':1.0', 'a:1e99.0'])(
    'that is none (%j) is not taken for one',
    (text) => {
      expect(new Marks().passes(text)).toBeUndefined()
    },
  )

  it('with an origin called __proto__ is one like any other', () => {
    const marks = new Marks()
    expect(marks.passes('__proto__:5.0')).toBe(true)
    expect(new Marks(marks.save()).passes('__proto__:5.0')).toBe(false)
  })
})
