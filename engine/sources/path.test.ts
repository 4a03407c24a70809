import { describe, expect, test } from 'vitest'
import { compileGetter, parsePath } from './path.ts'

const read = (path: string, value: unknown) => compileGetter(parsePath(path)!)(value)

describe('paths into a record', () => {
  test.each([
    ['a', ['a']],
    ['a.b-c.d/e', ['a', 'b-c', 'd/e']],
    ['a[0].b[-1]', ['a', 0, 'b', -1]],
    ['a.b\\.c', ['a', 'b.c']],
  ])('%s has its steps', (text, steps) => {
    expect(parsePath(text)).toEqual(steps)
  })

  test.each(['', '.', 'a.', '.a', 'a..b', 'a[', 'a[x]', 'a.[0]', 'a]b', 'a[0]b', '[0].a', `a${'.a'.repeat(16)}`])(
    '%j is none',
    (text) => {
      expect(parsePath(text)).toBeUndefined()
    },
  )

  test('what an object inherits is not seen, what it owns under the same name is', () => {
    expect(read('constructor', {})).toBeUndefined()
    expect(read('a.__proto__.b', { a: {} })).toBeUndefined()
    expect(read('toString.name', {})).toBeUndefined()
    const hostile = JSON.parse('{"constructor":"c","__proto__":{"b":1}}')
    expect(read('constructor', hostile)).toBe('c')
    expect(read('__proto__.b', hostile)).toBe(1)
  })

  test('a path through what is no container leads nowhere', () => {
    expect(read('a.length', { a: 'text' })).toBeUndefined()
    expect(read('a.length', { a: [1, 2] })).toBeUndefined()
    expect(read('a[0]', { a: { 0: 'x' } })).toBeUndefined()
    expect(read('a.b.c.d.e', { a: { b: { c: { d: { e: 5 } } } } })).toBe(5)
    expect(read('a.b.c.d.e', { a: null })).toBeUndefined()
    expect(read('a[-1]', { a: [1, 2, 3] })).toBe(3)
  })
})
