/**
 * What every SearchIndex keeps, whatever stands behind it. Run by one file for each adapter.
 *
 * Tests share one index; each marks its documents with a tag of its own and looks only at those.
 */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { IndexRefusedError, IndexUnavailableError } from '../../../core/errors.ts'
import type { Collection, Document, Filter, PutDocument, SearchIndex } from '../../../core/ports/search-index.ts'

export interface SearchIndexUnderTest {
  readonly index: SearchIndex
  close(): Promise<void>
}

/** A day well inside what any index keeps. */
const start = Date.parse('2026-03-01T00:00:00Z')

export function searchIndexContract(name: string, open: () => Promise<SearchIndexUnderTest>): void {
  describe(`the search index contract, kept by ${name}`, { timeout: 60_000 }, () => {
    let opened: SearchIndexUnderTest
    let index: SearchIndex

    beforeAll(async () => {
      opened = await open()
      index = opened.index
      await index.prepare()
    }, 120_000)
    afterAll(async () => {
      await opened.close()
    }, 60_000)

    /** Puts documents with the fields given, one second apart, and makes them visible. Ids are `<tag>-0`, `<tag>-1`, … */
    const put = async (documents: readonly Document[], collection: Collection = 'events'): Promise<string> => {
      const tag = `t${randomBytes(6).toString('hex')}`
      const puts = documents.map((document, i) => ({
        collection,
        id: `${tag}-${i}`,
        timeMs: start + i * 1_000,
        document: { '@timestamp': new Date(start + i * 1_000).toISOString(), labels: { tag }, ...document },
      }))
      const results = await index.put(puts)
      expect(results.map((each) => each.outcome)).toEqual(documents.map(() => 'stored'))
      await index.refresh()
      return tag
    }
    const of = (tag: string, ...filters: readonly Filter[]): Filter => ({
      all: [{ field: 'labels.tag', is: tag }, ...filters],
    })
    /** The numbers of the documents that a filter finds. */
    const found = async (tag: string, ...filters: readonly Filter[]): Promise<number[]> => {
      const page = await index.search({ collection: 'events', filter: of(tag, ...filters), size: 1_000 })
      return page.hits.map((hit) => Number(hit.id.slice(tag.length + 1))).sort((a, b) => a - b)
    }

    describe('putting', () => {
      const one = (
        id: string,
        document: Document,
        version?: number,
        collection: Collection = 'signals',
      ): PutDocument => ({
        collection,
        id,
        timeMs: start,
        document,
        ...(version === undefined ? {} : { version }),
      })

      test('what was put is got back as it was', async () => {
        const id = unique()
        const document = JSON.parse(
          '{"a":{"b":[1,2.5,-3,null,true,"ß \u{1f511}"]},"__proto__":{"x":1},"constructor":"c","long":"9007199254740993","":"e"}',
        ) as Document
        expect(await index.put([one(id, document, undefined, 'events')])).toEqual([{ id, outcome: 'stored' }])
        const got = await index.get('events', id)
        expect(JSON.stringify(got?.document)).toBe(JSON.stringify(document))
        expect(got?.version).toBe(1)
      })

      test('a document that is not there is undefined', async () => {
        expect(await index.get('incidents', unique())).toBeUndefined()
      })

      test('without a version the first write wins, in one call and over several', async () => {
        const id = unique()
        const results = await index.put([
          one(id, { n: 1 }, undefined, 'events'),
          one(id, { n: 2 }, undefined, 'events'),
        ])
        expect(results.map((each) => each.outcome)).toEqual(['stored', 'duplicate'])
        expect((await index.put([one(id, { n: 3 }, undefined, 'events')]))[0]!.outcome).toBe('duplicate')
        expect((await index.get('events', id))?.document).toEqual({ n: 1 })
      })

      test('with versions the highest wins, whatever the order of arrival', async () => {
        const id = unique()
        const outcome = async (version: number): Promise<string> =>
          (await index.put([one(id, { n: version }, version)]))[0]!.outcome
        expect(await outcome(3)).toBe('stored')
        expect(await outcome(2)).toBe('stale')
        expect(await outcome(3)).toBe('stale')
        expect(await outcome(7)).toBe('stored')
        expect(await index.get('signals', id)).toEqual({ version: 7, document: { n: 7 } })
      })

      test('versions of one document in one call end with the highest', async () => {
        const id = unique()
        const results = await index.put([2, 5, 4].map((version) => one(id, { n: version }, version)))
        expect(results.map((each) => each.outcome)).toEqual(['stored', 'stored', 'stale'])
        expect((await index.get('signals', id))?.version).toBe(5)
      })

      test('a newer version is found by what it says, and no longer by what the older one said', async () => {
        const id = unique()
        await index.put([one(id, { state: 'open', note: `${id} before` }, 1)])
        await index.put([one(id, { state: 'closed', note: `${id} afterwards` }, 2)])
        await index.refresh()
        const count = (filter: Filter): Promise<number> => index.count('signals', { all: [{ text: id }, filter] })
        expect(await count({ field: 'state', is: 'closed' })).toBe(1)
        expect(await count({ field: 'state', is: 'open' })).toBe(0)
        expect(await count({ text: 'afterwards' })).toBe(1)
        expect(await count({ text: 'before' })).toBe(0)
      })

      test('the same id in two collections is two documents', async () => {
        const id = unique()
        await index.put([one(id, { n: 1 }, 1, 'signals'), one(id, { n: 2 }, 1, 'incidents')])
        expect((await index.get('signals', id))?.document).toEqual({ n: 1 })
        expect((await index.get('incidents', id))?.document).toEqual({ n: 2 })
      })

      test('a document that can not be stored is refused with a reason, and those beside it are stored', async () => {
        const [good, another] = [unique(), unique()]
        let deep: Document = {}
        for (let i = 0; i < 2_000; i++) deep = { deep }
        const results = await index.put([
          one(good, { n: 1 }, 1),
          one(unique(), deep, 1),
          one('', { n: 1 }, 1),
          { ...one(unique(), { n: 1 }, 1), timeMs: Number.NaN },
          one(another, { n: 2 }, 1),
        ])
        expect(results.map((each) => each.outcome)).toEqual(['stored', 'refused', 'refused', 'refused', 'stored'])
        for (const { outcome, reason } of results) if (outcome === 'refused') expect(reason).toMatch(/\w/)
        expect((await index.get('signals', another))?.document).toEqual({ n: 2 })
      })

      test('a field of a megabyte is no reason to refuse a document: it is found by its words', async () => {
        const id = unique()
        const long = `${id}head ${'lorem '.repeat(200_000)}`
        for (const [i, document] of [
          { message: long },
          { unknown: { field: long } },
          { event: { action: `${id}head` }, message: 'x'.repeat(1_200_000) },
        ].entries()) {
          expect(await index.put([one(`${id}-${i}`, document, undefined, 'events')])).toMatchObject([
            { outcome: 'stored' },
          ])
        }
        await index.refresh()
        expect(await index.count('events', { text: `${id}head` })).toBe(3)
        expect((await index.get('events', `${id}-0`))?.document).toEqual({ message: long })
      })

      test('documents of a shape that nobody expects are stored, found, and come back as they were', async () => {
        const id = unique()
        const documents = [
          { user: `${id}-text` },
          { user: [`${id}-list`] },
          { user: { name: { given: `${id}-deeper` } } },
          { _id: 'mine', _source: { x: 1 }, 'a..b': `${id}-dots`, ' ': 1, '': { '': 2 }, '.': 3 },
          { 'user.name': `${id}-dotted` },
          { modelwarden: { id: 'not mine', time: 'never', text: [`${id}-own`] } },
          {
            event: { created: 'yesterday', duration: 'long' },
            source: { ip: `${id}-no-address`, port: 'http', bytes: 2.5 },
          },
          { warden: { synthetic: 'perhaps', bytes: 1e300, latency_ms: [1, 'x', null] }, user: { name: 5 } },
          { labels: { lone: 'a\ud800b' }, user: { name: '\udfff' } },
        ] as readonly Document[]
        const puts = documents.map((document, i) => one(`${id}-${i}`, document, undefined, 'events'))
        expect((await index.put(puts)).map((each) => each.outcome)).toEqual(documents.map(() => 'stored'))
        await index.refresh()
        for (const [i, document] of documents.entries()) {
          expect(JSON.stringify((await index.get('events', `${id}-${i}`))?.document)).toBe(JSON.stringify(document))
        }
        const ids = async (filter: Filter): Promise<readonly string[]> =>
          (await index.search({ collection: 'events', filter })).hits.map((hit) => hit.id.slice(id.length + 1))
        expect(await ids({ field: 'user', is: `${id}-text` })).toEqual(['0'])
        expect(await ids({ field: 'user', is: `${id}-list` })).toEqual(['1'])
        expect(await ids({ field: 'user.name.given', is: `${id}-deeper` })).toEqual(['2'])
        expect(await ids({ field: 'user.name', is: `${id}-dotted` })).toEqual(['4'])
        expect(await ids({ field: 'modelwarden.text', is: `${id}-own` })).toEqual(['5'])
        expect(await ids({ field: 'source.ip', is: `${id}-no-address` })).toEqual(['6'])
        const sixth: Filter = { field: 'source.ip', is: `${id}-no-address` }
        for (const filter of [
          { field: 'event.created', is: 'yesterday' },
          { field: 'event.duration', is: 'long' },
          { field: 'source.port', prefix: 'ht' },
          { field: 'source.bytes', gt: 2, lt: 3 },
          { field: 'source.port', exists: true },
          { text: 'yesterday' },
        ] as const) {
          expect(await ids({ all: [sixth, filter] })).toEqual(['6'])
        }
        expect(await ids({ text: `${id}-dots` })).toEqual(['3'])
      })

      test('a document of thousands of fields is refused with a reason', async () => {
        const wide = Object.fromEntries(Array.from({ length: 3_000 }, (_, i) => [`field${i}`, 'x']))
        expect(await index.put([one(unique(), wide, 1)])).toMatchObject([
          { outcome: 'refused', reason: expect.any(String) },
        ])
      })

      test('thousands in one call keep their order of answers', async () => {
        const ids = Array.from({ length: 2_500 }, unique)
        const results = await index.put(ids.map((id, i) => one(id, { i }, undefined, 'events')))
        expect(results.map((each) => each.id)).toEqual(ids)
        expect(results.every((each) => each.outcome === 'stored')).toBe(true)
      })

      test('a call without documents changes nothing', async () => {
        expect(await index.put([])).toEqual([])
      })
    })

    describe('filters', () => {
      test('a field equals a text, a number, a truth', async () => {
        const tag = await put([
          { event: { outcome: 'success' }, n: 5, flag: true },
          { event: { outcome: 'failure' }, n: 6, flag: false },
          { event: { outcome: 'success' }, n: -7.5 },
        ])
        expect(await found(tag, { field: 'event.outcome', is: 'success' })).toEqual([0, 2])
        expect(await found(tag, { field: 'n', is: 6 })).toEqual([1])
        expect(await found(tag, { field: 'n', is: -7.5 })).toEqual([2])
        expect(await found(tag, { field: 'flag', is: true })).toEqual([0])
        expect(await found(tag, { field: 'flag', is: false })).toEqual([1])
        expect(await found(tag, { field: 'nowhere', is: 'x' })).toEqual([])
      })

      test('what comes from a URL as text finds numbers and truths too', async () => {
        const tag = await put([
          { n: 443, flag: true },
          { n: 80, flag: false },
        ])
        expect(await found(tag, { field: 'n', is: '443' })).toEqual([0])
        expect(await found(tag, { field: 'flag', is: 'false' })).toEqual([1])
      })

      test('case and every character count in an exact value', async () => {
        const texts = ['Ana', 'ana', 'ana ', "a'na", 'a"na', 'a%na', 'a_na', '', '鍵 \u{1f511}', 'a\\na']
        const tag = await put(texts.map((who) => ({ user: { name: who } })))
        for (const [i, who] of texts.entries()) {
          expect(await found(tag, { field: 'user.name', is: who })).toEqual([i])
        }
      })

      test('one of several values', async () => {
        const tag = await put([{ level: 'low' }, { level: 'high' }, { level: 'critical' }])
        expect(await found(tag, { field: 'level', in: ['high', 'critical'] })).toEqual([1, 2])
        expect(await found(tag, { field: 'level', in: [] })).toEqual([])
      })

      test('a prefix is taken literally', async () => {
        const tag = await put(
          ['s3://weights/a', 's3://weights%/b', 's3://weight', 'S3://weights'].map((id) => ({ asset: { id } })),
        )
        expect(await found(tag, { field: 'asset.id', prefix: 's3://weights' })).toEqual([0, 1])
        expect(await found(tag, { field: 'asset.id', prefix: 's3://weights%' })).toEqual([1])
      })

      test('a field is there or not; null and the empty list are not', async () => {
        const tag = await put([{ x: 'v' }, { x: null }, {}, { x: [] }, { x: false }, { x: { y: 1 } }])
        expect(await found(tag, { field: 'x', exists: true })).toEqual(expect.arrayContaining([0, 4]))
        expect(await found(tag, { field: 'x', exists: true })).not.toEqual(expect.arrayContaining([1]))
        expect(await found(tag, { field: 'x', exists: false })).toEqual(expect.arrayContaining([1, 2, 3]))
        expect(await found(tag, { field: 'x.y', exists: true })).toEqual([5])
      })

      test('numbers are bounded by size, not by spelling', async () => {
        const tag = await put([9, 10, 100, 2_000_000_000_000].map((bytes) => ({ warden: { bytes } })))
        expect(await found(tag, { field: 'warden.bytes', gte: 10 })).toEqual([1, 2, 3])
        expect(await found(tag, { field: 'warden.bytes', gt: 10, lte: 100 })).toEqual([2])
        expect(await found(tag, { field: 'warden.bytes', lt: 10 })).toEqual([0])
      })

      test('dates are bounded by time, however they are spelled', async () => {
        const times = [
          '2026-03-01T10:00:00Z',
          '2026-03-01T10:00:00.500Z',
          '2026-03-01T12:30:00+02:00',
          '2026-03-01T11:00:00.000Z',
        ]
        const tag = await put(times.map((created) => ({ event: { created } })))
        expect(await found(tag, { field: 'event.created', gte: '2026-03-01T10:00:00.100Z' })).toEqual([1, 2, 3])
        expect(await found(tag, { field: 'event.created', gt: '2026-03-01T10:30:00Z' })).toEqual([3])
        expect(await found(tag, { field: 'event.created', lte: '2026-03-01T10:00:00.000Z' })).toEqual([0])
      })

      test('addresses, dates and names begin as they are spelled', async () => {
        const tag = await put([
          { source: { ip: '10.1.2.3' }, event: { created: '2026-03-01T10:00:00.000Z' }, user: { name: 'ana' } },
          { source: { ip: '10.10.0.1' }, event: { created: '2026-03-02T10:00:00.000Z' }, user: { name: 'anton' } },
          { source: { ip: '2001:db8::1' }, event: { created: '2026-04-01T10:00:00.000Z' }, user: { name: 'bo' } },
        ])
        expect(await found(tag, { field: 'source.ip', prefix: '10.1' })).toEqual([0, 1])
        expect(await found(tag, { field: 'source.ip', prefix: '10.1.' })).toEqual([0])
        expect(await found(tag, { field: 'source.ip', is: '2001:db8::1' })).toEqual([2])
        expect(await found(tag, { field: 'event.created', prefix: '2026-03' })).toEqual([0, 1])
        expect(await found(tag, { field: 'user.name', prefix: 'an' })).toEqual([0, 1])
        expect(await found(tag, { field: 'user.name', gte: 'anb', lt: 'b' })).toEqual([1])
      })

      test('time stands for when a document happened', async () => {
        const tag = await put([{}, {}, {}, {}])
        expect(await found(tag, { field: 'time', gte: start + 1_000, lt: start + 3_000 })).toEqual([1, 2])
        expect(await found(tag, { field: 'time', gte: new Date(start + 3_000).toISOString() })).toEqual([3])
      })

      test('a list matches by any of its elements, and a list of objects by any of their fields', async () => {
        const tag = await put([
          {
            tags: ['a', 'b'],
            entities: [
              { type: 'user', id: 'ana' },
              { type: 'address', id: '10.0.0.1' },
            ],
          },
          { tags: ['b', 'c'], entities: [{ type: 'user', id: 'bo' }] },
          { tags: 'a', entities: [] },
        ])
        expect(await found(tag, { field: 'tags', is: 'a' })).toEqual([0, 2])
        expect(await found(tag, { field: 'tags', is: 'b' })).toEqual([0, 1])
        expect(await found(tag, { field: 'entities.id', is: '10.0.0.1' })).toEqual([0])
        expect(await found(tag, { field: 'entities.type', is: 'user' })).toEqual([0, 1])
      })

      test('conditions combine, nested; all of none is everything, any of none is nothing', async () => {
        const tag = await put([
          { a: '1', b: '1' },
          { a: '1', b: '2' },
          { a: '2', b: '1' },
        ])
        const is = (field: string, value: string): Filter => ({ field, is: value })
        expect(await found(tag, { all: [is('a', '1'), is('b', '2')] })).toEqual([1])
        expect(await found(tag, { any: [is('a', '2'), is('b', '2')] })).toEqual([1, 2])
        expect(await found(tag, { not: is('a', '1') })).toEqual([2])
        expect(
          await found(tag, { not: { any: [is('a', '2'), { all: [is('a', '1'), { not: is('b', '1') }] }] } }),
        ).toEqual([0])
        expect(await found(tag, { all: [] })).toEqual([0, 1, 2])
        expect(await found(tag, { any: [] })).toEqual([])
      })

      test('names of fields are data: quotes and SQL in them find nothing, and harm nothing', async () => {
        const tag = await put([{ a: 'x' }])
        for (const field of [
          'a"b',
          "a'b",
          '$.a',
          'a[0]',
          'a")) OR 1=1 --',
          '..',
          '*',
          '__proto__',
          'constructor',
          'ключ',
        ]) {
          expect(await found(tag, { field, is: 'x' })).toEqual([])
        }
        expect(await found(tag, { field: 'a', is: 'x' })).toEqual([0])
      })

      test('fields with names like __proto__ are found by them', async () => {
        const tag = await put([JSON.parse('{"__proto__":{"polluted":"yes"},"ключ":"значение"}') as Document])
        expect(await found(tag, { field: '__proto__.polluted', is: 'yes' })).toEqual([0])
        expect(await found(tag, { field: 'ключ', is: 'значение' })).toEqual([0])
        expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
      })

      test('a filter of absurd size or depth is refused, not run', async () => {
        let deep: Filter = { field: 'a', is: 'x' }
        for (let i = 0; i < 5_000; i++) deep = { not: deep }
        await expect(index.count('events', deep)).rejects.toThrow(IndexRefusedError)
        const wide: Filter = { any: Array.from({ length: 20_000 }, (_, i) => ({ field: 'a', is: i })) }
        await expect(index.count('events', wide)).rejects.toThrow(IndexRefusedError)
      })
    })

    describe('words', () => {
      test('all the words must be there, anywhere, in any order and case', async () => {
        const tag = await put([
          { message: 'Bulk read of model weights', user: { name: 'ana' } },
          { message: 'weights copied', user: { name: 'bo' }, entities: [{ id: 's3://weights-prod/llm-7b/shard-000' }] },
          { message: 'login' },
        ])
        expect(await found(tag, { text: 'weights' })).toEqual([0, 1])
        expect(await found(tag, { text: 'ANA Weights' })).toEqual([0])
        expect(await found(tag, { text: 'shard' })).toEqual([1])
        expect(await found(tag, { text: 'weights login' })).toEqual([])
      })

      test('words of every script are found', async () => {
        const tag = await put([{ m: 'Größe geändert' }, { m: 'модель украдена' }, { m: 'モデルの重み' }, { m: 'ΑΒΓ' }])
        expect(await found(tag, { text: 'größe' })).toEqual([0])
        expect(await found(tag, { text: 'МОДЕЛЬ' })).toEqual([1])
        expect(await found(tag, { text: '重' })).toEqual([2])
        expect(await found(tag, { text: 'αβγ' })).toEqual([3])
      })

      test('whatever a person types is words, never a query language', async () => {
        const tag = await put([{ m: 'alpha beta' }, { m: 'gamma' }])
        expect(await found(tag, { text: '"alpha' })).toEqual([0])
        expect(await found(tag, { text: 'alpha*' })).toEqual([0])
        expect(await found(tag, { text: 'm:alpha' })).toEqual([])
        expect(await found(tag, { text: '(alpha) ^beta' })).toEqual([0])
        const hostile = [
          "'; DROP TABLE events; --",
          '" OR 1',
          'NEAR(',
          '{',
          '\\',
          'alpha AND',
          '-alpha',
          '\u0000',
          '\ud800',
        ]
        for (const text of hostile) await found(tag, { text })
        expect(await found(tag, { text: 'alpha OR gamma' })).toEqual([])
        expect(await found(tag, { not: { text: 'alpha' } })).toEqual([1])
      })

      test('without any word nothing matches', async () => {
        const tag = await put([{ m: 'alpha' }])
        expect(await found(tag, { text: '' })).toEqual([])
        expect(await found(tag, { text: ' "*" ' })).toEqual([])
      })
    })

    describe('pages', () => {
      test('the newest come first unless asked otherwise', async () => {
        const tag = await put([{}, {}, {}])
        const ids = async (order?: 'asc' | 'desc'): Promise<string[]> => {
          const sort = order === undefined ? {} : { sort: { by: 'time', order } }
          return (await index.search({ collection: 'events', filter: of(tag), ...sort })).hits.map((hit) => hit.id)
        }
        expect(await ids()).toEqual([`${tag}-2`, `${tag}-1`, `${tag}-0`])
        expect(await ids('asc')).toEqual([`${tag}-0`, `${tag}-1`, `${tag}-2`])
      })

      test('fifty unless asked otherwise, a thousand at most', async () => {
        const tag = await put(Array.from({ length: 60 }, () => ({})))
        expect((await index.search({ collection: 'events', filter: of(tag) })).hits).toHaveLength(50)
        for (const size of [0, -1, 1_001, 1.5, Number.NaN]) {
          await expect(index.search({ collection: 'events', filter: of(tag), size })).rejects.toThrow(IndexRefusedError)
        }
      })

      /** Walks all pages. */
      const walk = async (
        tag: string,
        size: number,
        sort?: { by: string; order: 'asc' | 'desc' },
      ): Promise<string[]> => {
        const ids: string[] = []
        let after: string | undefined
        do {
          const page = await index.search({
            collection: 'events',
            filter: of(tag),
            size,
            ...(sort === undefined ? {} : { sort }),
            ...(after === undefined ? {} : { after }),
          })
          ids.push(...page.hits.map((hit) => hit.id))
          after = page.after
        } while (after !== undefined)
        return ids
      }

      test('pages follow each other without gap or repetition, and the last one has no cursor', async () => {
        const tag = await put(Array.from({ length: 25 }, () => ({})))
        const expected = Array.from({ length: 25 }, (_, i) => `${tag}-${24 - i}`)
        expect(await walk(tag, 10)).toEqual(expected)
        expect(await walk(tag, 5)).toEqual(expected)
        expect(await walk(tag, 25)).toEqual(expected)
      })

      test('documents of the same moment are told apart by id', async () => {
        const tag = `t${randomBytes(6).toString('hex')}`
        const ids = Array.from({ length: 12 }, (_, i) => `${tag}-${String(i).padStart(2, '0')}`)
        await index.put(ids.map((id) => ({ collection: 'events', id, timeMs: start, document: { labels: { tag } } })))
        await index.refresh()
        expect(await walk(tag, 5, { by: 'time', order: 'asc' })).toEqual(ids)
        expect(await walk(tag, 5)).toEqual([...ids].reverse())
      })

      test('sorted by a number or a text, those without the field last', async () => {
        const tag = await put([{ risk: 9 }, {}, { risk: 100 }, { risk: 20 }, {}, { risk: 20 }])
        const numbers = async (order: 'asc' | 'desc'): Promise<number[]> =>
          (await walk(tag, 2, { by: 'risk', order })).map((id) => Number(id.slice(tag.length + 1)))
        expect(await numbers('asc')).toEqual([0, 3, 5, 2, 1, 4])
        expect(await numbers('desc')).toEqual([2, 5, 3, 0, 4, 1])
      })

      test('fields of every type can be sorted by', async () => {
        const tag = await put([
          { source: { ip: '10.0.0.2', port: 9 }, user: { name: 'b' }, event: { created: '2026-03-01T12:30:00+02:00' } },
          { source: { ip: '10.0.0.1', port: 100 }, user: { name: 'c' }, event: { created: '2026-03-01T11:00:00Z' } },
          { source: { ip: '10.0.0.3', port: 20 }, user: { name: 'a' }, event: { created: '2026-03-01T10:00:00.5Z' } },
          {},
        ])
        const sorted = async (by: string, order: 'asc' | 'desc'): Promise<number[]> =>
          (await walk(tag, 1, { by, order })).map((id) => Number(id.slice(tag.length + 1)))
        expect(await sorted('source.ip', 'asc')).toEqual([1, 0, 2, 3])
        expect(await sorted('source.port', 'desc')).toEqual([1, 2, 0, 3])
        expect(await sorted('user.name', 'asc')).toEqual([2, 0, 1, 3])
        expect(await sorted('event.created', 'asc')).toEqual([2, 0, 1, 3])
        expect(await sorted('event.created', 'desc')).toEqual([1, 0, 2, 3])
      })

      test('a page that was begun goes on where it was, whatever has come since', async () => {
        const tag = await put(Array.from({ length: 6 }, () => ({})))
        const first = await index.search({ collection: 'events', filter: of(tag), size: 3 })
        const late = {
          collection: 'events' as const,
          id: `${tag}-9`,
          timeMs: start + 60_000,
          document: { labels: { tag } },
        }
        await index.put([late])
        await index.refresh()
        const second = await index.search({ collection: 'events', filter: of(tag), size: 3, after: first.after! })
        expect(second.hits.map((hit) => hit.id)).toEqual([`${tag}-2`, `${tag}-1`, `${tag}-0`])
      })

      test('a cursor that no page gave is refused', async () => {
        for (const after of ['nonsense', '', 'e30', Buffer.from('[{"$gt":1},2]').toString('base64url')]) {
          await expect(index.search({ collection: 'events', after })).rejects.toThrow(IndexRefusedError)
        }
      })
    })

    describe('figures', () => {
      test('documents are counted', async () => {
        const tag = await put([{ x: 1 }, { x: 2 }, { x: 2 }])
        expect(await index.count('events', of(tag))).toBe(3)
        expect(await index.count('events', of(tag, { field: 'x', is: 2 }))).toBe(2)
        expect(await index.count('events')).toBeGreaterThanOrEqual(3)
      })

      test('a histogram counts by interval, oldest first, and leaves empty ones out', async () => {
        const tag = await put(Array.from({ length: 10 }, () => ({})))
        const late = [20_000, 20_500].map((ms, i) => ({
          collection: 'events' as const,
          id: `${tag}-late-${i}`,
          timeMs: start + ms,
          document: { labels: { tag } },
        }))
        await index.put(late)
        await index.refresh()
        expect(await index.histogram('events', 5_000, of(tag))).toEqual([
          { startMs: start, count: 5 },
          { startMs: start + 5_000, count: 5 },
          { startMs: start + 20_000, count: 2 },
        ])
        await expect(index.histogram('events', 0, of(tag))).rejects.toThrow(IndexRefusedError)
      })

      test('the most frequent values come first, then by name; lists count by their elements', async () => {
        const tag = await put([
          { action: 'read', tags: ['x', 'y', 'x'] },
          { action: 'read', tags: ['y'] },
          { action: 'write', tags: [] },
          { action: 'copy' },
          { action: 'list', tags: 'y' },
        ])
        expect(await index.terms('events', 'action', 3, of(tag))).toEqual([
          { key: 'read', count: 2 },
          { key: 'copy', count: 1 },
          { key: 'list', count: 1 },
        ])
        expect(await index.terms('events', 'tags', 10, of(tag))).toEqual([
          { key: 'y', count: 3 },
          { key: 'x', count: 1 },
        ])
        expect(await index.terms('events', 'nowhere', 10, of(tag))).toEqual([])
        await expect(index.terms('events', 'action', 0, of(tag))).rejects.toThrow(IndexRefusedError)
      })

      test('fields of every type are counted by their values as they are spelled', async () => {
        const tag = await put([
          {
            source: { ip: '10.0.0.1', port: 443 },
            warden: { synthetic: true },
            gen_ai: { request: { temperature: 0.5 } },
          },
          {
            source: { ip: '10.0.0.1', port: 443 },
            warden: { synthetic: true },
            gen_ai: { request: { temperature: 0.5 } },
          },
          { source: { ip: 'unknown', port: 'ssh' }, warden: { synthetic: false } },
        ])
        for (const [field, first, second] of [
          ['source.ip', '10.0.0.1', 'unknown'],
          ['source.port', '443', 'ssh'],
          ['warden.synthetic', 'true', 'false'],
        ] as const) {
          expect(await index.terms('events', field, 10, of(tag))).toEqual([
            { key: first, count: 2 },
            { key: second, count: 1 },
          ])
          expect(await index.cardinality('events', field, of(tag))).toBe(2)
        }
        expect(await index.terms('events', 'gen_ai.request.temperature', 10, of(tag))).toEqual([
          { key: '0.5', count: 2 },
        ])
      })

      test('numbers and truths are values too', async () => {
        const tag = await put([
          { port: 443, ok: true },
          { port: 443, ok: false },
          { port: 80, ok: true },
        ])
        expect(await index.terms('events', 'port', 10, of(tag))).toEqual([
          { key: '443', count: 2 },
          { key: '80', count: 1 },
        ])
        expect(await index.terms('events', 'ok', 10, of(tag))).toEqual([
          { key: 'true', count: 2 },
          { key: 'false', count: 1 },
        ])
      })

      test('different values are counted once each', async () => {
        const tag = await put(['a', 'b', 'a', 'c'].map((who) => ({ user: { name: who } })))
        expect(await index.cardinality('events', 'user.name', of(tag))).toBe(3)
        expect(await index.cardinality('events', 'nowhere', of(tag))).toBe(0)
      })
    })

    describe('expiry', () => {
      test('what is older goes, what is not stays', async () => {
        const tag = `t${randomBytes(6).toString('hex')}`
        // Long before anything that other tests look at.
        const old = Date.parse('2020-01-01T00:00:00Z')
        await index.put(
          [0, 1, 2, 3].map((i) => ({
            collection: 'events',
            id: `${tag}-${i}`,
            timeMs: old + i * 86_400_000,
            document: { labels: { tag }, m: `${tag} words` },
          })),
        )
        await index.refresh()
        expect(await index.expire('events', old + 2 * 86_400_000)).toBeGreaterThanOrEqual(2)
        await index.refresh()
        expect(await found(tag)).toEqual([2, 3])
        expect(await found(tag, { text: tag })).toEqual([2, 3])
        expect(await index.get('events', `${tag}-0`)).toBeUndefined()
      })
    })

    describe('closing', () => {
      test('what is asked afterwards is told that the index is gone', async () => {
        const own = await open()
        await own.index.prepare()
        await own.index.ping()
        await own.close()
        await expect(own.index.count('events')).rejects.toThrow(IndexUnavailableError)
      })
    })
  })
}

function unique(): string {
  return randomBytes(16).toString('hex')
}
