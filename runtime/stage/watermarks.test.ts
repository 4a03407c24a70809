import { describe, expect, it } from 'vitest'
import { limits } from '../../core/limits.ts'
import { WatermarkTracker } from './watermarks.ts'

const told = (upstream: string, partition: number, eventTimeMs: number | null, partitions = 2) =>
  ({ control: 'watermark', upstream, partition, partitions, eventTimeMs }) as const

describe('the watermark of a first stage', () => {
  it('follows the latest record at the distance of the most lateness that a source asked for', () => {
    const tracker = new WatermarkTracker('records')
    tracker.happened(10_000, 1_000)
    expect(tracker.advance()).toBe(9_000)
    tracker.happened(9_500, 4_000)
    expect(tracker.advance()).toBeUndefined()
    tracker.happened(20_000, 1_000)
    expect(tracker.advance()).toBe(16_000)
  })

  it('moves on by ticks when the log is silent', () => {
    const tracker = new WatermarkTracker('records')
    tracker.ticked(limits.latenessMs + 5_000)
    expect(tracker.advance()).toBe(5_000)
  })

  it('leaves a slow source its time, also where ticks alone move it', () => {
    const tracker = new WatermarkTracker('records')
    tracker.ticked(3_600_000, 1_200_000)
    expect(tracker.advance()).toBe(2_400_000)
  })

  it('is infinite once at the end of the input, and counts on from where it was when more comes', () => {
    const tracker = new WatermarkTracker('records')
    tracker.happened(10_000, 0)
    tracker.advance()
    expect(tracker.inputEnded()).toBe(Infinity)
    expect(tracker.inputEnded()).toBeUndefined()
    tracker.happened(12_000, 0)
    expect([tracker.ended, tracker.advance()]).toEqual([false, 12_000])
  })
})

describe('the watermark of a later stage', () => {
  it('is the least over all partitions of all upstreams, once each has spoken', () => {
    const tracker = new WatermarkTracker(['a', 'b'])
    for (const [name, partition, ms] of [
      ['a', 0, 5],
      ['a', 1, 9],
      ['b', 0, 7],
    ] as const) {
      tracker.told(told(name, partition, ms))
      expect(tracker.advance()).toBeUndefined()
    }
    tracker.told(told('b', 1, 6))
    expect(tracker.advance()).toBe(5)
    tracker.told(told('a', 0, 8))
    expect(tracker.advance()).toBe(6)
  })

  it('does not wait for upstream partitions that have ended, and ends with the last of them', () => {
    const tracker = new WatermarkTracker(['a'])
    tracker.told(told('a', 0, 5))
    tracker.told(told('a', 1, null))
    expect(tracker.advance()).toBe(5)
    tracker.told(told('a', 0, null))
    expect(tracker.advance()).toBe(Infinity)
    expect([tracker.advance(), tracker.ended, tracker.reachedMs]).toEqual([undefined, true, 5])
  })

  it('never runs backwards when an upstream starts anew', () => {
    const tracker = new WatermarkTracker(['a'])
    tracker.told(told('a', 0, 50, 1))
    tracker.advance()
    tracker.told(told('a', 0, 20, 1))
    expect(tracker.advance()).toBeUndefined()
    expect(tracker.reachedMs).toBe(50)
  })

  it('is not moved by a stranger', () => {
    const tracker = new WatermarkTracker(['a'])
    expect(tracker.told(told('stranger', 0, 50, 1))).toBe(false)
    expect(tracker.advance()).toBeUndefined()
  })

  it('continues from what was saved', () => {
    const tracker = new WatermarkTracker(['a'])
    tracker.told(told('a', 0, 5))
    const restored = new WatermarkTracker(['a'], tracker.save())
    restored.told(told('a', 1, 9))
    expect(restored.advance()).toBe(5)
  })
})
