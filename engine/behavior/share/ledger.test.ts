import { expect, test } from 'vitest'
import { heldSince, note, ShareLedger, unevennessOf, type Artifact, type Reading } from './ledger.ts'
import type { ShareRead } from './params.ts'
import type { GroupEntries } from '../types.ts'

/** What one principal holds of an artifact, and how large that is taken to be. */
function held(reads: readonly { bytes: number; range?: string; object?: string; objectBytes?: number }[]): {
  bytes: number
  ofBytes: number
} {
  const artifact: Artifact = { sizes: {}, bytes: 0, objects: 0, readers: {} }
  const reading: Reading = { objects: {}, since: undefined, reads: 0, version: 0, toldShare: 0 }
  for (const read of reads)
    note(artifact, reading, { timeMs: 0, object: 'a', covered: false, ...read } as unknown as ShareRead)
  const { bytes, ofBytes } = heldSince(artifact, reading, 0)
  return { bytes, ofBytes }
}

test('a range that was asked for and broken off counts as far as it was sent', () => {
  const other = { object: 'b', bytes: 1_000_000 }
  expect(held([other, { bytes: 4_096, range: 'bytes=0-999999' }, { bytes: 10, range: 'bytes=500-' }])).toMatchObject({
    bytes: 1_004_096,
  })
})

test('a range far past the end of an object makes the artifact no larger, and its share no smaller', () => {
  const all = [
    { object: 'readme', bytes: 100, range: 'bytes=0-999999999999999' },
    { object: 'weights', bytes: 1_000_000 },
  ]
  expect(held(all)).toEqual({ bytes: 1_000_100, ofBytes: 1_000_100 })
})

test('the end of an object that is read again and again counts once', () => {
  const footer = { bytes: 65_536, range: 'bytes=-65536', objectBytes: 10_000_000 }
  const head = { bytes: 1_000, range: 'bytes=0-999', objectBytes: 10_000_000 }
  expect(held([head, ...new Array<typeof footer>(100).fill(footer)])).toMatchObject({ bytes: 66_536 })
})

test('a range that the server did not heed, and more of them than are looked at, hide nothing of what was sent', () => {
  const size = 10_000_000
  const many = Array.from({ length: 64 }, (_, n) => `${2 * n}-${2 * n}`).join()
  for (const range of ['bytes=0-0', 'bytes=0-0,2-2', `bytes=${many},200-`])
    for (const objectBytes of [size, undefined])
      expect(held([{ bytes: size, range, ...(objectBytes && { objectBytes }) }])).toEqual({
        bytes: size,
        ofBytes: size,
      })
})

test('the ends of an object of unknown size count by how far from its end they begin, and with its beginning as no more than it is', () => {
  const size = 1_000_000
  const whole = { object: 'b', bytes: 10 * size }
  const ends = Array.from({ length: 10 }, (_, n) => ({ bytes: 100_000, range: `bytes=-${(n + 1) * 100_000}` }))
  expect(held([whole, { bytes: 1, range: `bytes=${size - 1}-` }, ...ends])).toMatchObject({ bytes: 11 * size })
  const footer = { bytes: 65_536, range: 'bytes=-65536' }
  expect(held([whole, ...new Array<typeof footer>(100).fill(footer)])).toEqual({
    bytes: 10 * size + 65_536,
    ofBytes: 10 * size + 65_536,
  })
  expect(held([footer, { bytes: size }, footer])).toEqual({ bytes: size, ofBytes: size })
})

test('days on which somebody had no more than a look make the others no less even', () => {
  const even = { a: [0, 1e9], b: [1, 1e9], c: [2, 1e9] } as const
  const reading = (objects: object): never => ({ objects }) as never
  expect(unevennessOf(reading(even))).toEqual([0, 3])
  expect(unevennessOf(reading({ ...even, d: [3, 1_000], e: [4, 1_000] }))).toEqual([0, 3])
})

test('of ever more artifacts those stay that were read last, each with its readers and what is known of their work', () => {
  const map = new Map<string, unknown>()
  const entries: GroupEntries = {
    get: <T>(name: string) => map.get(name) as T | undefined,
    set: (name, value) => void map.set(name, value),
    delete: (name) => void map.delete(name),
    names: () => [...map.keys()],
  }
  const ledger = new ShareLedger(entries)
  const readOf = (number: number): ShareRead =>
    ({ artifact: `s3://store-${number}/a`, principal: 'own/p', role: '' }) as unknown as ShareRead
  const keep = (number: number, day: number): void =>
    ledger.keep(readOf(number), ledger.artifact(`s3://store-${number}/a`), {
      ...ledger.reading(`s3://store-${number}/a`, 'own/p'),
      objects: { o: [day, 1] },
    })
  map.set('waiting', [])
  const all = 16_600
  for (let number = 0; number < all; number++) {
    const one = readOf(number)
    map.set(`artifact/${one.artifact}`, ledger.artifact(one.artifact))
    map.set(`reading/${one.artifact}\nown/p`, { objects: { o: [number === 0 ? all : number, 1] } })
    map.set(`works/s3://store-${number}\nown/p`, { a: false })
  }
  for (let number = all; number < all + 200; number++) keep(number, number)
  expect(map.size).toBeLessThanOrEqual(50_000)
  for (const number of [0, all + 199]) {
    expect([...map.keys()].filter((name) => name.includes(`s3://store-${number}/a`))).toHaveLength(2)
    expect(ledger.works(readOf(number))).not.toEqual({})
  }
  expect([...map.keys()].filter((name) => name.includes('store-1/') || name.includes('store-1\n'))).toEqual([])
  expect(map.has('waiting')).toBe(true)
})
