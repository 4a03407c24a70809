import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { eventsOf } from './cloud-events.ts'
import { decodeBody } from './decode.ts'
import { Held, InFlight, readBody } from './in-flight.ts'

afterEach(() => vi.restoreAllMocks())

const heldOf = (bytesMax: number): Held => new Held(new InFlight(bytesMax, () => undefined))

describe('a body', () => {
  test('sent byte for byte is no list of millions of buffers', async () => {
    const concat = vi.spyOn(Buffer, 'concat')
    const bytes = Array.from({ length: 25_500 }, (_, n) => Buffer.of(n % 251))
    const body = await readBody(Readable.from(bytes, { objectMode: true }), undefined, 30_000, heldOf(30_000))
    expect(body.equals(Buffer.from(bytes.map(([byte]) => byte!)))).toBe(true)
    expect(Math.max(...concat.mock.calls.map(([list]) => list.length))).toBeLessThan(1_100)
  })

  test('counts while it is decompressed, so that many bombs at a time find no room instead of each its own', async () => {
    const bomb = gzipSync(Buffer.alloc(8_000_000))
    const inFlight = new InFlight(1_000_000, () => undefined)
    const held = new Held(inFlight)
    await expect(decodeBody(bomb, 'gzip', 64_000_000, held)).rejects.toMatchObject({ code: 'BUSY' })
    expect(inFlight.take(500_000)).toBe(false)
    held.over()
    expect(inFlight.take(1_000_000)).toBe(true)
  })
})

test('what is held is given back once all that is at work with it has ended', async () => {
  const inFlight = new InFlight(10, () => undefined)
  const held = new Held(inFlight)
  const bus = Promise.withResolvers<undefined>()
  const publishing = held.during(() => bus.promise)
  await held.during(async () => held.add(10))
  held.over()
  expect(inFlight.take(1)).toBe(false)
  bus.resolve(undefined)
  await publishing
  expect(inFlight.take(10)).toBe(true)
})

test('events of a batch are read one by one, when they are asked for', () => {
  const event = '{"specversion":"1.0","id":"1","source":"/gw","type":"c","data":{}}'
  const events = eventsOf(Buffer.from(`[${event},{}]`))
  expect(events.next().value).toMatchObject({ origin: 'cloudevents:3:/gw/1' })
  expect(() => events.next()).toThrow('specversion')
})
