import { describe, expect, test } from 'vitest'
import { LiveGroups } from './live-groups.ts'

describe('groups in use', () => {
  const live = (key: string): { key: string; group: string } => ({ key, group: `group of ${key}` })

  test('groups whose values spell the same when put together are told apart', () => {
    const groups = new LiveGroups<string>()
    groups.set('t', ['a\u0000b'], live('1'))
    groups.set('t', ['a', 'b'], live('2'))
    groups.set('t', [], live('3'))
    expect(groups.get('t', ['a\u0000b'])?.key).toBe('1')
    expect(groups.get('t', ['a', 'b'])?.key).toBe('2')
    expect(groups.get('t', [])?.key).toBe('3')
    expect(groups.get('t', ['a'])).toBeUndefined()
    expect(groups.get('other', ['a', 'b'])).toBeUndefined()
  })

  test('a group that is let go leaves those beside, above and below it', () => {
    const groups = new LiveGroups<string>()
    for (const values of [['a'], ['a', 'b'], ['a', 'c']]) groups.set('t', values, live(values.join()))
    groups.delete('t', ['a', 'b'])
    groups.delete('t', ['never', 'there'])
    expect(groups.get('t', ['a', 'b'])).toBeUndefined()
    expect(groups.get('t', ['a'])?.key).toBe('a')
    groups.delete('t', ['a'])
    expect(groups.get('t', ['a'])).toBeUndefined()
    expect(groups.get('t', ['a', 'c'])?.key).toBe('a,c')
  })
})
