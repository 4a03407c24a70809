import { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import type { ExpectedTopic } from '../../core/ports/bus.ts'
import { judgeAcls } from './diagnose-acls.ts'
import { judgeBrokers, judgeTopic, judgeVisibility } from './diagnose.ts'

const log: ExpectedTopic = {
  spec: { name: 'warden.events', partitions: 2, cleanup: 'delete', retentionMs: 604_800_000 },
  partitionsFixed: false,
}
const state: ExpectedTopic = {
  spec: { name: 'warden.state.detect', partitions: 2, cleanup: 'compact' },
  partitionsFixed: true,
  partitionsOf: ['warden.events'],
}
const good = new Map([
  ['min.insync.replicas', '2'],
  ['message.timestamp.type', 'LogAppendTime'],
  ['cleanup.policy', 'delete'],
  ['retention.ms', '604800000'],
  ['max.message.bytes', '2100000'],
  ['compression.type', 'producer'],
])
const partitionsWith = (replicas: number[], isr = replicas, leader = 1, count = 2) => ({
  partitions: Array.from({ length: count }, (_, partitionId) => ({ partitionErrorCode: 0, partitionId, leader, replicas, isr })), // prettier-ignore
})
const three = [1, 2, 3]
const judged = (topic = partitionsWith(three), settings: Record<string, string> = {}, expected = log) =>
  judgeTopic(expected, new Map([['warden.events', topic], [expected.spec.name, topic]]), new Map([...good, ...Object.entries(settings)]), { recordBytesMax: 2_000_000 }) // prettier-ignore

describe('a topic', () => {
  it('with three copies, two of them in step, and our settings is well', () => {
    expect(judged()).toMatchObject({ name: 'warden.events', state: 'ok', says: expect.stringContaining('3 copies') })
    expect(judged()).not.toHaveProperty('do')
  })

  it('that is not there fails, with the command that makes it', () => {
    const none = judgeTopic(log, new Map(), undefined, { recordBytesMax: 1 })
    expect(none).toMatchObject({ state: 'fail', do: expect.stringContaining('modelwarden topics create') })
  })

  it.each([
    ['one copy', judged(partitionsWith([1]), { 'min.insync.replicas': '1' }), 'warn', 'replication factor is 1'],
    ['two copies', judged(partitionsWith([1, 2])), 'warn', 'replication factor is 2'],
    ['one in step enough', judged(undefined, { 'min.insync.replicas': '1' }), 'warn', 'min.insync.replicas is 1'],
    ['more in step wanted than there are', judged(undefined, { 'min.insync.replicas': '4' }), 'fail', 'nothing can be written'], // prettier-ignore
    ['a copy that lags', judged(partitionsWith(three, [1, 2])), 'warn', 'lag behind'],
    ['too few in step', judged(partitionsWith(three, [1])), 'fail', 'nothing can be written'],
    ['no leader', judged(partitionsWith(three, three, -1)), 'fail', 'no leader'],
    ['times of the senders', judged(undefined, { 'message.timestamp.type': 'CreateTime' }), 'fail', 'CreateTime'],
    ['compaction of a log', judged(undefined, { 'cleanup.policy': 'compact' }), 'fail', 'must be delete'],
    ['a short retention', judged(undefined, { 'retention.ms': '3600000' }), 'warn', '1.0 hours'],
    ['small records', judged(undefined, { 'max.message.bytes': '1048588' }), 'warn', '1048588'],
    ['a compression of its own', judged(undefined, { 'compression.type': 'gzip' }), 'warn', 'gzip'],
  ])('with %s says so, and what to do', (_, diagnosis, wanted, text) => {
    expect(diagnosis).toMatchObject({ state: wanted, says: expect.stringContaining(text), do: expect.any(String) })
  })

  it('kept for ever is not kept too short', () => {
    expect(judged(undefined, { 'retention.ms': '-1' }).state).toBe('ok')
  })

  it('of state fails where it has another number of partitions than its input, whatever is configured', () => {
    const byName = new Map([
      ['warden.events', partitionsWith(three, three, 1, 6)],
      ['warden.state.detect', partitionsWith(three, three, 1, 2)],
    ])
    const compact = new Map([...good, ['cleanup.policy', 'compact']])
    const found = judgeTopic(state, byName, compact, { recordBytesMax: 2_000_000 })
    expect(found).toMatchObject({ state: 'fail', says: expect.stringContaining('must have 6') })
    byName.set('warden.state.detect', partitionsWith(three, three, 1, 6))
    expect(judgeTopic(state, byName, compact, { recordBytesMax: 2_000_000 }).state).toBe('ok')
  })
})

describe('a cluster', () => {
  it('of one broker is to be looked at, of three is well', () => {
    expect([judgeBrokers(1).state, judgeBrokers(2).state, judgeBrokers(3).state]).toEqual(['warn', 'warn', 'ok'])
  })

  it('that hides the settings of topics from this user is not said to be well', () => {
    expect(judgeVisibility(2, new Map([['a', undefined], ['b', good]]))).toMatchObject({ state: 'warn', do: expect.stringContaining('topics acls') }) // prettier-ignore
    expect(judgeVisibility(1, new Map([['b', good]])).state).toBe('ok')
  })

  const rule = (principal: string, operation: AclOperationTypes, resourceName = 'warden.licenses') => ({
    ...{ resourceType: AclResourceTypes.TOPIC, resourceName, resourcePatternType: ResourcePatternTypes.LITERAL },
    acls: [{ principal, host: '*', operation, permissionType: AclPermissionTypes.ALLOW }],
  })
  it('where everybody may write, or a service has no rule, is to be looked at', () => {
    expect(judgeAcls([rule('User:detect', AclOperationTypes.WRITE), rule('User:*', AclOperationTypes.WRITE)], ['detect'])).toMatchObject({ state: 'warn', says: expect.stringContaining('warden.licenses') }) // prettier-ignore
    expect(judgeAcls([rule('User:detect', AclOperationTypes.READ)], ['detect', 'respond'])).toMatchObject({ state: 'warn', says: expect.stringContaining('respond') }) // prettier-ignore
    expect(
      judgeAcls([rule('User:detect', AclOperationTypes.WRITE), rule('User:*', AclOperationTypes.DESCRIBE)], ['detect'])
        .state,
    ).toBe('ok')
  })
})
