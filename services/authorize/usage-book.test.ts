import { describe, expect, it } from 'vitest'
import { UsageBook } from './usage-book.ts'

const start = Date.parse('2026-05-01T12:00:00.400Z')
const book = (leasesMax = 10) => new UsageBook({ leaseTtlMs: 60_000, leasesMax })
const call = { licenseId: 'l', credentialId: 'c', tokens: 0 }

describe('the usage book', () => {
  it('counts requests of the last minute: none is forgotten before 60 s, all are after 61', () => {
    const usage = book()
    for (let n = 0; n < 3; n++) usage.admit('l', 0, start + n * 200)
    expect(usage.read('l', start + 59_999).minute).toBe(3)
    expect(usage.read('l', start + 60_400).minute).toBe(3)
    expect(usage.read('l', start + 61_000).minute).toBe(0)
    usage.admit('l', 0, start + 100_000)
    expect(usage.read('l', start + 10_000_000).minute).toBe(0)
  })

  it('counts requests of each second of the clock by itself', () => {
    const usage = book()
    usage.admit('l', 0, start)
    usage.admit('l', 0, start + 599)
    expect(usage.read('l', start + 599)).toMatchObject({ second: 2, secondUntilMs: start + 600 })
    expect(usage.read('l', start + 600)).toMatchObject({ second: 0, secondUntilMs: start + 1_600 })
  })

  it('tells when the oldest requests leave the window', () => {
    const usage = book()
    usage.admit('l', 0, start)
    usage.admit('l', 0, start + 30_000)
    const { minuteUntilMs } = usage.read('l', start + 40_000)
    expect(usage.read('l', minuteUntilMs - 1).minute).toBe(2)
    expect(usage.read('l', minuteUntilMs).minute).toBe(1)
  })

  it('begins each UTC day anew', () => {
    const usage = book()
    const evening = Date.parse('2026-05-01T23:59:59.999Z')
    usage.admit('l', 70, evening)
    expect(usage.read('l', evening)).toMatchObject({ day: 1, tokens: 70, dayUntilMs: evening + 1 })
    expect(usage.read('l', evening + 1)).toMatchObject({ day: 0, tokens: 0, minute: 1 })
  })

  it('a clock that is set back gives nothing back', () => {
    const usage = book()
    usage.admit('l', 5, start)
    expect(usage.read('l', start - 86_400_000)).toMatchObject({ minute: 1, day: 1, tokens: 5 })
    usage.admit('l', 5, start - 86_400_000)
    expect(usage.read('l', start)).toMatchObject({ minute: 2, day: 2, tokens: 10 })
  })

  it('puts what a call used in the place of what was counted ahead, once', () => {
    const usage = book()
    usage.admit('l', 100, start)
    const lease = usage.lease('lease-1', { ...call, tokens: 100 }, start)!
    expect(usage.read('l', start)).toMatchObject({ concurrent: 1, tokens: 100 })
    usage.close(lease, 30, start + 1)
    usage.close(lease, 30, start + 2)
    expect(usage.read('l', start + 2)).toMatchObject({ concurrent: 0, tokens: 30 })
    expect(usage.find('lease-1')).toBe('closed')
  })

  it('counts what is reported past midnight for the new day whole', () => {
    const usage = book()
    const evening = Date.parse('2026-05-01T23:59:59Z')
    usage.admit('l', 100, evening)
    usage.close(usage.lease('lease-1', { ...call, tokens: 100 }, evening)!, 30, evening + 2_000)
    expect(usage.read('l', evening + 2_000).tokens).toBe(30)
  })

  it('ends a lease that nobody closes, and keeps its tokens counted', () => {
    const usage = book()
    usage.admit('l', 100, start)
    usage.lease('lease-1', { ...call, tokens: 100 }, start)
    expect(usage.read('l', start + 59_999).concurrent).toBe(1)
    expect(usage.read('l', start + 60_000)).toMatchObject({ concurrent: 0, tokens: 100 })
    expect(usage.find('lease-1')).toBeUndefined()
  })

  it('keeps no more leases than it may, and says so', () => {
    const usage = book(2)
    expect([1, 2, 3].map((n) => usage.lease(`lease-${n}`, call, start)?.id)).toEqual(['lease-1', 'lease-2', undefined])
    expect(usage.read('l', start).leasable).toBe(false)
    expect(usage.read('l', start + 60_000).leasable).toBe(true)
  })

  it('forgets licenses that have nothing counted', () => {
    const usage = book()
    usage.admit('l', 1, start)
    usage.prune(start + 86_400_000)
    expect(usage.read('l', start)).toMatchObject({ minute: 0, day: 0 })
  })
})
