import { describe, expect, test } from 'vitest'
import { LiveGroups } from './live-groups.ts'

describe('groups in use', () => {
  test('groups whose values spell the same when put together are told apart', () => {
    const groups = new LiveGroups<string>()
    groups.set('t', ['a\u0000b'], '1')
    groups.set('t', ['a', 'b'], '2')
    groups.set('t', [], '3')
    expect(groups.get('t', ['a\u0000b'])).toBe('1')
    expect(groups.get('t', ['a', 'b'])).toBe('2')
    expect(groups.get('t', [])).toBe('3')
    expect(groups.get('t', ['a'])).toBeUndefined()
    expect(groups.get('other', ['a', 'b'])).toBeUndefined()
  })

  test('a group that is let go leaves those beside, above and below it', () => {
    const groups = new LiveGroups<string>()
    for (const values of [['a'], ['a', 'b'], ['a', 'c']]) groups.set('t', values, values.join())
    groups.delete('t', ['a', 'b'])
    groups.delete('t', ['never', 'there'])
    expect(groups.get('t', ['a', 'b'])).toBeUndefined()
    expect(groups.get('t', ['a'])).toBe('a')
    groups.delete('t', ['a'])
    expect(groups.get('t', ['a'])).toBeUndefined()
    expect(groups.get('t', ['a', 'c'])).toBe('a,c')
  })
})
