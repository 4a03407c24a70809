import { describe, expect, test } from 'vitest'
import { LiveGroups } from './live-groups.ts'

describe('groups in use', () => {
  test('groups whose values spell the same when put together are told apart', () => {
    const groups = new LiveGroups<string>(2)
    groups.set('t', ['a\u0000b', 'c'], '1')
    groups.set('t', ['a', 'b\u0000c'], '2')
    expect(groups.get('t', ['a\u0000b', 'c'])).toBe('1')
    expect(groups.get('t', ['a', 'b\u0000c'])).toBe('2')
    expect(groups.get('t', ['a', 'c'])).toBeUndefined()
    expect(groups.get('t', ['b', 'c'])).toBeUndefined()
    expect(groups.get('other', ['a', 'b\u0000c'])).toBeUndefined()
  })

  test('a correlation that groups by nothing has a group for each scope', () => {
    const groups = new LiveGroups<string>(0)
    groups.set('t', [], '1')
    groups.set('u', [], '2')
    groups.delete('t', [])
    expect(groups.get('t', [])).toBeUndefined()
    expect(groups.all()).toEqual(['2'])
  })

  test('a group that is let go leaves those beside it', () => {
    const groups = new LiveGroups<string>(2)
    const all = [['a', 'b'], ['a', 'c'], ['d', 'b']] // prettier-ignore
    for (const values of all) groups.set('t', values, values.join())
    groups.delete('t', ['a', 'b'])
    groups.delete('t', ['never', 'there'])
    groups.delete('t', ['a', 'never'])
    expect(all.map((values) => groups.get('t', values))).toEqual([undefined, 'a,c', 'd,b'])
    expect(groups.all()).toEqual(['a,c', 'd,b'])
  })
})
