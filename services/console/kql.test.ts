import { describe, expect, test } from 'vitest'
import type { Filter } from '../../core/ports/search-index.ts'
import { HttpError } from '../../runtime/http/http-error.ts'
import { filterOfKql } from './kql-filter.ts'
import { kqlCharsMax } from './kql.ts'
import { lists } from './lists.ts'

const nowMs = Date.parse('2026-03-02T00:00:00Z')
const events = (text: string): Filter => filterOfKql(text, lists.events, nowMs)
const user = (is: string): Filter => ({ field: 'user.name', is })

describe('a query in KQL', () => {
  test.for<readonly [string, Filter]>([
    ['user.name: ana', user('ana')],
    ['user.name:ana', user('ana')],
    ['user.name: "ana maria"', user('ana maria')],
    ['user.name: ana maria', user('ana maria')],
    ['user.name: (ana or bo)', { any: [user('ana'), user('bo')] }],
    ['user.name: (ana or (bo and not cy))', { any: [user('ana'), { all: [user('bo'), { not: user('cy') }] }] }],
    ['user.name: an*', { field: 'user.name', prefix: 'an' }],
    ['user.name: *', { field: 'user.name', exists: true }],
    ['user.name: "*"', user('*')],
    ['user.name: a\\*b', user('a*b')],
    ['user.name: "say \\"hi\\""', user('say "hi"')],
    ['user.name: nothing', user('nothing')],
    ['user.name: "and"', user('and')],
    ['not user.name: ana', { not: user('ana') }],
    ['NOT NOT user.name: ana', user('ana')],
    ['user.name: a and user.name: b or user.name: c', { any: [{ all: [user('a'), user('b')] }, user('c')] }],
    ['user.name: a AND (user.name: b OR user.name: c)', { all: [user('a'), { any: [user('b'), user('c')] }] }],
    ['weights shard', { text: 'weights shard' }],
    ['"weights shard" and user.name: a', { all: [{ text: 'weights shard' }, user('a')] }],
    ['*', { all: [] }],
    ['warden.bytes >= 1000', { field: 'warden.bytes', gte: 1000 }],
    ['warden.bytes<1.5', { field: 'warden.bytes', lt: 1.5 }],
    ['event.hash > "10"', { field: 'event.hash', gt: '10' }],
    ['principal: acme/ana', { field: 'warden.principal', is: 'acme/ana' }],
    ['constructor: x', { field: 'constructor', is: 'x' }],
    ['@timestamp >= now-24h', { field: 'time', gte: nowMs - 86_400_000 }],
    ['time < 2026-03-01T10:00:00Z', { field: 'time', lt: Date.parse('2026-03-01T10:00:00Z') }],
    ['@timestamp: 2026-03-01', { field: 'time', gte: nowMs - 86_400_000, lt: nowMs }],
    ['source.ip: 2001:db8::1', { field: 'source.ip', is: '2001:db8::1' }],
    ['android: x', { field: 'android', is: 'x' }],
  ])('is the filter that an analyst means: %s', ([text, filter]) => {
    expect(events(text)).toEqual(filter)
  })

  test.for<readonly [string, number]>([
    ['user.name:', 11],
    ['user.name: (ana or bo', 22],
    ['user.name: ana)', 15],
    ['user.name: "ana', 12],
    ['user.name: a*b', 13],
    ['user.name: *a', 12],
    ['and user.name: a', 1],
    ['user.name: a and', 17],
    ['user.name: a user.id: b', 14],
    ['user.name: "a" "b"', 16],
    ['weights user.id: b', 9],
    ['user.*: a', 1],
    ['user name: { first: a }', 6],
    ['user: { first: a }', 7],
    ['warden.bytes > *', 16],
    ['@timestamp > yesterday', 14],
    ['@timestamp: 2026*', 13],
    ['weig*', 1],
    ['<script>: x', 1],
    ['user.name: a\\', 14],
    ['(((((((((((((a', 14],
    ['', 1],
    ['()', 2],
  ])('that is wrong says at which column: %s', ([text, column]) => {
    let told: unknown
    try {
      events(text)
    } catch (error) {
      told = error
    }
    expect(told).toBeInstanceOf(HttpError)
    expect(told).toMatchObject({ status: 400, code: 'QUERY_INVALID', column })
  })

  test('has a limit on its length, its conditions and its depth, so that none is too much for the index', () => {
    expect(() => events('a'.repeat(kqlCharsMax + 1))).toThrow(HttpError)
    expect(() => events(Array.from({ length: 201 }, () => 'a:b').join(' or '))).toThrow('at most 200 conditions')
    expect(() => events(`${'not '.repeat(50)} a`)).toThrow('too many nots')
    expect(events(`${'('.repeat(12)}a:b${')'.repeat(12)}`)).toEqual({ field: 'a', is: 'b' })
  })
})
