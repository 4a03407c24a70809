import { describe, expect, test } from 'vitest'
import { compileSigma } from './compile.ts'
import { correlationOperator } from './correlation-operator.ts'
import type { CorrelationFinding, GroupState, SigmaCorrelation } from './types.ts'

const base = (name: string): string =>
  `title: ${name}\nname: ${name}\nlogsource: {}\ndetection: { s: { x: ${name} }, condition: s }\n---\n`

function compiled(condition: string, type = 'temporal', more = ''): ReturnType<typeof compileSigma> {
  const correlation = `title: T\nid: t\ncorrelation:\n  type: ${type}\n  timespan: 10s\n  condition: ${condition}\n${more}`
  return compileSigma([{ path: 'a.yml', text: base('a') + base('b') + base('c') + correlation }])
}

function correlationOf(condition: string, type?: string): SigmaCorrelation {
  const { correlations, mistakes } = compiled(condition, type)
  expect(mistakes).toEqual([])
  return correlations[0]!
}

/** `a@5 b@7`: which rule matched at which second; `|9`: the watermark passes second 9. */
function run(correlation: SigmaCorrelation, story: string): CorrelationFinding[] {
  const operator = correlationOperator(correlation)
  const findings: CorrelationFinding[] = []
  let state: GroupState | undefined
  let watermarkMs = -Infinity
  for (const [index, word] of story.split(' ').entries()) {
    if (word.startsWith('|')) {
      watermarkMs = Number(word.slice(1)) * 1_000
      if (state === undefined) continue
      const step = operator.advance(JSON.parse(JSON.stringify(state)) as GroupState, watermarkMs)
      state = step.state
      findings.push(...step.findings)
      continue
    }
    const [name, second] = word.split('@') as [string, string]
    const id = `e${index}`
    const timestampMs = Number(second) * 1_000
    const at = correlation.base.findIndex((each) => each.id === name)
    const evidence = {
      id,
      timestamp: new Date(timestampMs).toISOString(),
      hash: '',
      position: { topic: 't', partition: 0, offset: index, index: 0 },
    }
    const step = operator.apply(state, { eventId: id, timestampMs, base: at, values: [], evidence }, watermarkMs)
    state = step.state
    findings.push(...step.findings)
  }
  return findings
}

const anchors = (findings: readonly CorrelationFinding[]): number[] => findings.map(({ anchorMs }) => anchorMs / 1_000)

describe('a and not b within the timespan', () => {
  const correlation = correlationOf('a and not b')

  test('is told when the watermark has passed the window, and not before', () => {
    expect(run(correlation, 'a@5 |15')).toEqual([])
    const [finding] = run(correlation, 'a@5 |15.001')
    expect(finding).toMatchObject({
      anchorMs: 5_000,
      count: 1,
      peak: 1,
      final: true,
      status: 'open',
      incomplete: false,
    })
  })

  test.each([
    ['b at the very end of the window', 'a@5 b@15 |100'],
    ['b one timespan before', 'b@0 a@10 |100'],
    ['b that arrives late, before the watermark', 'a@5 a@14 b@6 |100'],
  ])('is not told of %s', (_name, story) => expect(run(correlation, story)).toEqual([]))

  test.each([
    ['b just past the window', 'a@5 b@15.001 |100', [5]],
    ['b just before it', 'b@0 a@10.001 |100', [10.001]],
    ['b that comes after the watermark has passed', 'a@5 |16 b@6 |100', [5]],
  ])('is told in spite of %s', (_name, story, wanted) => expect(anchors(run(correlation, story))).toEqual(wanted))

  test('events within a window that was told open none of their own', () => {
    const findings = run(correlation, 'a@5 a@9 a@15 a@16 |100')
    expect(anchors(findings)).toEqual([5, 16])
    expect(findings[0]).toMatchObject({ count: 3, lastHeldMs: 15_000 })
  })

  test('a group is forgotten once no window can see its events', () => {
    const operator = correlationOperator(correlation)
    const evidence = { id: 'e', timestamp: '', hash: '', position: { topic: 't', partition: 0, offset: 0, index: 0 } }
    const at = correlation.base.findIndex(({ id }) => id === 'b')
    const { state } = operator.apply(undefined, { eventId: 'e', timestampMs: 1_000, base: at, values: [], evidence }, 0)
    expect(operator.dueMs(state!)).toBe(11_001)
    expect(operator.advance(state!, 11_001).state).toBeUndefined()
  })

  test('more events than a group may keep are counted in bulk, and the finding says incomplete', () => {
    const story = Array.from({ length: 2_500 }, (_, n) => `a@${5 + n / 1_000}`).join(' ')
    const [finding] = run(correlation, `${story} |100`)
    expect(finding).toMatchObject({ anchorMs: expect.any(Number), count: 2_500, incomplete: true })
    expect(finding!.evidence.length).toBeLessThanOrEqual(50)
  })
})

describe('in order', () => {
  test('what must stay away is looked for between its neighbors, and nowhere else', () => {
    const correlation = correlationOf('a and not b and c', 'temporal_ordered')
    expect(anchors(run(correlation, 'a@1 c@5 |100'))).toEqual([1])
    expect(anchors(run(correlation, 'b@0 a@1 c@5 b@6 |100'))).toEqual([1])
    expect(anchors(run(correlation, 'a@1 b@3 c@5 |100'))).toEqual([])
    expect(anchors(run(correlation, 'a@1 b@3 a@4 c@5 |100'))).toEqual([4])
    expect(anchors(run(correlation, 'c@1 a@5 |100'))).toEqual([])
  })

  test('without "not" it is told at once', () => {
    const correlation = correlationOf('a and (b or c)', 'temporal_ordered_extended')
    expect(anchors(run(correlation, 'c@1 a@2'))).toEqual([])
    expect(anchors(run(correlation, 'a@2 c@3'))).toEqual([2])
  })
})

describe('a condition over rule names', () => {
  test('binds not before and before or, and makes the list of rules unnecessary', () => {
    const { correlations } = compiled('a or b and not c')
    expect(correlations[0]!.base.map(({ id }) => id)).toEqual(['a', 'b', 'c'])
    expect(correlations[0]!.expression).toEqual({
      kind: 'or',
      of: [
        { kind: 'base', base: 0 },
        {
          kind: 'and',
          of: [
            { kind: 'base', base: 1 },
            { kind: 'not', of: { kind: 'base', base: 2 } },
          ],
        },
      ],
    })
  })

  test.each([
    ['a and', 'temporal', 'SIGMA_CONDITION_SYNTAX'],
    ['a and (b or c', 'temporal', 'SIGMA_CONDITION_SYNTAX'],
    ['a and gone', 'temporal', 'SIGMA_CORRELATION_REFERENCE'],
    ['a and not a', 'temporal', 'SIGMA_CORRELATION_NEVER'],
    ['not a', 'temporal', 'SIGMA_CORRELATION_UNSUPPORTED'],
    ['a or not b', 'temporal', 'SIGMA_CORRELATION_UNSUPPORTED'],
    ['a and not (b and c)', 'temporal_ordered', 'SIGMA_CORRELATION_UNSUPPORTED'],
    ['a and b', 'event_count', 'SIGMA_CORRELATION_INVALID'],
    ['{ gte: 2 }', 'temporal_extended', 'SIGMA_CORRELATION_INVALID'],
  ])('%s of type %s is refused', (condition, type, code) => {
    const { mistakes, correlations } = compiled(condition, type)
    expect(correlations).toEqual([])
    expect(mistakes.map((mistake) => mistake.code)).toEqual([code])
    expect(mistakes[0]!.place!.line).toBe(21)
  })

  test('a list of rules beside it must name the same', () => {
    expect(compiled('a and b', 'temporal', '  rules: [a]\n').mistakes[0]!.code).toBe('SIGMA_CORRELATION_REFERENCE')
    expect(compiled('a and b', 'temporal', '  rules: [a, b, c]\n').mistakes[0]!.code).toBe('SIGMA_CORRELATION_INVALID')
  })

  test('others may stand on it', () => {
    const upper =
      '---\ntitle: U\nid: u\ncorrelation: { type: event_count, rules: [t], timespan: 1m, condition: { gte: 2 } }\n'
    expect(compiled('a and not b', 'temporal', upper).mistakes).toEqual([])
  })
})
