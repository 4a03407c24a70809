import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { Action } from '../../core/action.ts'
import { DeadLetter } from '../../core/dead-letter.ts'
import { IndexUnavailableError } from '../../core/errors.ts'
import { collections, type Collection, type SearchIndex } from '../../core/ports/search-index.ts'
import { Signal } from '../../core/signal.ts'
import { headers, topics } from '../../core/topics.ts'
import { buildDeadLetter } from '../../runtime/dead-letters.ts'
import type { Service } from '../../runtime/service.ts'
import { incidentOf } from '../../test/support/incident.ts'
import {
  actionOf,
  eventOf,
  eventually,
  openIndexed,
  publish,
  signalOf,
  type Indexed,
} from '../../test/support/indexed.ts'
import { temporaryFolder } from '../../test/support/tmp.ts'
import { usageOf } from '../../test/support/usage.ts'
import { createIndexerService } from './service.ts'

const open: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

async function start(
  folder?: string,
  throughIndex?: (index: SearchIndex) => SearchIndex,
): Promise<Indexed & { indexer: Service }> {
  const indexed = await openIndexed(folder)
  const index = throughIndex?.(indexed.index) ?? indexed.index
  const indexer = createIndexerService({ ...indexed.context, index })
  await indexer.start()
  let closed = false
  const close = async (): Promise<void> => {
    if (closed) return
    closed = true
    await indexer.stop()
    await indexed.close()
  }
  open.push(close)
  return { ...indexed, indexer, close }
}

const leakOf = (over: object = {}): object => ({
  id: 'leak-1',
  version: 1,
  '@timestamp': '2026-03-01T10:00:00.000Z',
  since: '2026-03-01T09:00:00.000Z',
  rule: 'r',
  tenant: 'acme',
  account: 'acme/customer-7',
  model: 'ranker',
  queries: 40,
  distinct: 30,
  ...over,
})

const letterOf = (): string =>
  String(
    buildDeadLetter({
      stage: 'normalize',
      code: 'NOT_JSON',
      message: 'no',
      topic: topics.audit,
      partition: 0,
      offset: 3,
      value: Buffer.from('{'),
      headers: { source: 's' },
      atMs: Date.parse('2026-03-01T10:00:00Z'),
    }).value,
  )

test('everything that people look at is found in its collection, and what is relayed between stages is not', async () => {
  const { bus, index } = await start()
  const decision = {
    kind: 'note',
    id: 'd1',
    at: '2026-03-01T10:00:00.000Z',
    by: 'operator:ana',
    roles: ['analyst'],
    tenant: 'acme',
    incidentId: 'incident-1',
    text: 'seen',
  }
  await publish(bus, topics.events, eventOf('e1'))
  await publish(bus, topics.signals, signalOf('s1'), { kind: 'decision', decision })
  await publish(bus, topics.incidents, incidentOf())
  await publish(bus, topics.incidentHistory, incidentOf(), incidentOf({ version: 2 }))
  await publish(
    bus,
    topics.effects,
    { kind: 'incident', incident: incidentOf() },
    { kind: 'action', action: actionOf('a1') },
    { kind: 'action', action: actionOf('a1', { version: 2, state: 'reserved' }) },
    { kind: 'run', run: {} },
    { kind: 'decision', decision },
  )
  await publish(bus, topics.decisions, decision)
  const deed = {
    id: 'r1',
    version: 1,
    at: '2026-03-01T10:00:00.000Z',
    by: 'operator:ana',
    roles: ['analyst'],
    tenant: 'operator',
    deed: 'POST /v1/decisions',
    arguments: 'f'.repeat(64),
    outcome: 'attempted',
  }
  await publish(bus, topics.deeds, deed, { ...deed, version: 2, outcome: 'done', status: 202 })
  await bus.publish([{ topic: topics.deadLetters, key: 's', value: letterOf() }])
  await publish(bus, topics.licenses, {
    kind: 'credential',
    version: 3,
    updatedAt: '2026-03-01T10:00:00.000Z',
    credential: { id: 'key-a', tenant: 'acme', principal: 'acme/customer-7' },
    state: 'revoked',
  })
  await publish(bus, topics.leaks, leakOf(), leakOf({ version: 2, queries: 80 }))
  await publish(bus, topics.usage, usageOf('acme'))
  await eventually(async () => (await index.get('licenses', 'credential/key-a')) !== undefined)
  const expected: Readonly<Record<Collection, number>> = {
    events: 1,
    signals: 1,
    incidents: 1,
    'incident-history': 2,
    actions: 1,
    'action-history': 2,
    decisions: 1,
    deeds: 1,
    'dead-letters': 1,
    licenses: 1,
    leaks: 1,
    usage: 1,
  }
  const count = async (): Promise<Record<string, number>> => {
    const counted = collections.map(async (each) => [each, await index.count(each)] as const)
    return Object.fromEntries(await Promise.all(counted))
  }
  await eventually(async () => (await index.get('actions', 'a1'))?.version === 2)
  await eventually(async () => (await index.get('deeds', 'r1'))?.version === 2)
  await eventually(async () => (await index.get('incident-history', 'incident-1/2')) !== undefined)
  expect(await count()).toEqual(expected)
  expect(Signal.parse((await index.get('signals', 's1'))!.document).rule.id).toBe('weights-read-in-bulk')
  expect(Action.parse((await index.get('actions', 'a1'))!.document).state).toBe('reserved')
  expect((await index.get('action-history', 'a1/1'))!.document['state']).toBe('awaiting-approval')
  expect((await index.get('licenses', 'credential/key-a'))!.version).toBe(3)
  expect((await index.get('leaks', 'leak-1'))!.document['queries']).toBe(80)
})

test('the last version of an incident stands in the index, whatever order and however often versions come', async () => {
  const { bus, index } = await start()
  const versions = [1, 3, 2, 3, 1].map((version) => incidentOf({ version, title: `version ${version}` }))
  await publish(bus, topics.incidents, ...versions, incidentOf({ id: 'last' }))
  await eventually(() => index.get('incidents', 'last'))
  expect(await index.get('incidents', 'incident-1')).toMatchObject({ version: 3, document: { title: 'version 3' } })
  expect(await index.count('incidents')).toBe(2)
})

test('control records and tombstones are passed over', async () => {
  const { bus, index } = await start()
  await bus.publish([
    { topic: topics.events, key: 'k', value: '{"control":"tick"}', headers: { [headers.control]: 'tick' } },
    { topic: topics.incidents, key: 'k', value: null },
  ])
  await publish(bus, topics.events, eventOf('after'))
  await eventually(() => index.get('events', 'after'))
  expect(await index.count('dead-letters')).toBe(0)
  expect(await index.count('events')).toBe(1)
})

test('what is no document, and what the index refuses, becomes a dead letter with its code, and stops nothing', async () => {
  const { bus, index } = await start()
  const wide = Object.fromEntries(Array.from({ length: 3_000 }, (_, i) => [`field${i}`, 'x']))
  await bus.publish([
    { topic: topics.events, key: 'k', value: 'not json' },
    { topic: topics.events, key: 'k', value: '{"some":"thing"}' },
    { topic: topics.events, key: 'k', value: JSON.stringify({ ...eventOf('wide'), wide }) },
    { topic: topics.signals, key: 'k', value: '{"id":1}' },
    { topic: topics.effects, key: 'k', value: '{"kind":"action","action":{}}' },
  ])
  await publish(bus, topics.events, eventOf('after'))
  const codes = await eventually(async () => {
    const { hits } = await index.search({ collection: 'dead-letters', size: 100 })
    return hits.length >= 5 && hits.map((hit) => DeadLetter.parse(hit.document))
  })
  expect(codes.map((letter) => letter.code).sort()).toEqual([
    'INDEX_REFUSED',
    'NOT_AN_EFFECT',
    'NOT_AN_EVENT',
    'NOT_A_SIGNAL',
    'NOT_JSON',
  ])
  expect(codes.every((letter) => letter.stage === 'indexer')).toBe(true)
  expect(await index.get('events', 'after')).toBeDefined()
})

test('a broken dead letter does not breed further ones', async () => {
  const { bus, index } = await start()
  await publish(bus, topics.deadLetters, { no: 'letter' })
  await bus.publish([{ topic: topics.deadLetters, key: 'k', value: letterOf() }])
  await eventually(async () => (await index.count('dead-letters')) > 0)
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect(await index.count('dead-letters')).toBe(1)
  const offsets = await bus.offsets(topics.deadLetters)
  expect(offsets.reduce((sum, { high }) => sum + high, 0)).toBe(2)
})

test('a hostile event is stored as it is and harms nothing', async () => {
  const { bus, index } = await start()
  const event = JSON.stringify({ ...eventOf('hostile'), user: { name: '<script>alert(1)</script>' } }).replace(
    /^\{/,
    '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},',
  )
  await bus.publish([{ topic: topics.events, key: 'k', value: event }])
  const got = await eventually(() => index.get('events', 'hostile'))
  expect(JSON.stringify(got.document)).toBe(event)
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
})

test('while the index is down the indexer waits and says so; when it is back everything is there, once', async () => {
  let down = false
  const flaky = (index: SearchIndex): SearchIndex =>
    new Proxy(index, {
      get: (target, property: keyof SearchIndex) => {
        const member = target[property]
        if (typeof member !== 'function') return member
        return (...args: never[]) =>
          down && property === 'put'
            ? Promise.reject(new IndexUnavailableError('down'))
            : (member as (...all: never[]) => unknown).apply(target, args)
      },
    })
  const { bus, index, indexer } = await start(undefined, flaky)
  await publish(bus, topics.events, eventOf('before'))
  await eventually(() => index.get('events', 'before'))
  down = true
  await publish(bus, topics.events, eventOf('during 1'), eventOf('during 2'))
  await eventually(async () => indexer.health().state === 'degraded')
  expect(indexer.health().summary).toContain('down')
  expect(await index.get('events', 'during 1')).toBeUndefined()
  down = false
  await eventually(() => index.get('events', 'during 2'))
  await eventually(async () => indexer.health().state === 'ready')
  expect(await index.count('events')).toBe(3)
  expect(await index.count('dead-letters')).toBe(0)
})

test('an indexer whose index is away when it starts waits for it', async () => {
  let down = true
  const late = (index: SearchIndex): SearchIndex =>
    new Proxy(index, {
      get: (target, property: keyof SearchIndex) => {
        const member = target[property]
        if (property === 'prepare' && down) return () => Promise.reject(new IndexUnavailableError('not yet'))
        return typeof member === 'function' ? (member as (...all: never[]) => unknown).bind(target) : member
      },
    })
  const { bus, index, indexer } = await start(undefined, late)
  expect(indexer.health()).toMatchObject({ state: 'degraded', summary: expect.stringContaining('not yet') })
  await publish(bus, topics.events, eventOf('e1'))
  down = false
  await eventually(() => index.get('events', 'e1'))
  expect(indexer.health().state).toBe('ready')
})

test('a restart goes on where it was, and an index that was thrown away is filled again from the bus', async () => {
  const folder = await temporaryFolder('indexer')
  const first = await start(folder)
  await publish(first.bus, topics.events, eventOf('e1'), eventOf('e2'))
  await eventually(() => first.index.get('events', 'e2'))
  await first.close()

  const second = await start(folder)
  await publish(second.bus, topics.events, eventOf('e3'))
  await eventually(() => second.index.get('events', 'e3'))
  expect(await second.index.count('events')).toBe(3)
  await second.close()

  for (const suffix of ['', '-wal', '-shm']) await rm(join(folder, `index.db${suffix}`), { force: true })
  const third = await start(folder)
  await eventually(async () => (await third.index.count('events')) === 3)
})
