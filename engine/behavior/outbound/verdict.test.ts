import { describe, expect, it } from 'vitest'
import { OutboundParams } from './params.ts'
import { judgeOutbound, type Amounts } from './verdict.ts'

const params = OutboundParams.parse({ type: 'outbound-transfer' })
const MB = 1e6
/** A day to one place: 30 MB in the middle, one standard deviation of the logarithm. */
const sizes = Array.from({ length: 300 }, (_, at) => Math.log(30 * MB) + [-0.6745, 0, 0.6745][at % 3]!)

/** `perDay` on each of so many days, newest last. */
function sent(perDay: readonly number[], fresh: (bytes: number) => number, of: Partial<Amounts> = {}): Amounts {
  const span = perDay.reduce((sum, bytes) => sum + bytes, 0)
  return {
    today: perDay.at(-1)!,
    span,
    days: perDay.length,
    newest: perDay.toReversed().map((bytes) => ({ bytes, fresh: fresh(bytes) })),
    gathered: span,
    gatheredSpan: span,
    others: 0,
    sizes,
    isArtifact: false,
    isNewPlace: false,
    ...of,
  }
}
const all = (bytes: number): number => bytes
const days = (count: number, bytes: number): number[] => Array.from({ length: count }, () => bytes)

describe('pieces of a model that are sent as they are taken', () => {
  // Four deviations are 1.64 GB; over three days 302 MB a day, over four 222 MB.
  it('stand out on the third day, far below the line of one day', () => {
    expect(judgeOutbound(params, sent(days(2, 590 * MB), all))).toBeUndefined()
    expect(judgeOutbound(params, sent(days(3, 590 * MB), all))).toMatchObject({
      why: 'pieces',
      days: 3,
      bytes: 1_770 * MB,
    })
  })

  it('stand out on the fourth where a day is less than three days have to be', () => {
    expect(judgeOutbound(params, sent(days(3, 250 * MB), all))).toBeUndefined()
    expect(judgeOutbound(params, sent(days(4, 250 * MB), all))).toMatchObject({ why: 'pieces', days: 4 })
  })

  it.each<[string, Amounts]>([
    ['a day of each that is no more than many', sent(days(12, 150 * MB), all)],
    ['one day of four without anything much', sent([400 * MB, 400 * MB, 20 * MB, 400 * MB], all)],
    ['pieces that it has read before', sent(days(4, 590 * MB), () => 0)],
    ['one new piece among much else', sent(days(4, 590 * MB), (bytes) => 0.1 * bytes)],
    ['a place that others use too', sent(days(4, 590 * MB), all, { others: 2 })],
  ])('are not told of: %s', (_what, amounts) => {
    expect(judgeOutbound(params, amounts)).toBeUndefined()
  })
})
