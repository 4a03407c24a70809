import { afterEach, expect, test, vi } from 'vitest'
import { openEmbedded, temporary } from '../../../adapters/embedded/open.ts'
import type { Bus } from '../../../core/ports/bus.ts'
import { systemClock } from '../../../core/ports/clock.ts'
import type { RuleTally } from '../../../core/rule-tally.ts'
import { topicSpecs } from '../../../core/topics.ts'
import { silentLog } from '../../../runtime/log.ts'
import type { TaskProgress } from '../../../runtime/stage/stage.ts'
import { silentTelemetry } from '../../../runtime/telemetry.ts'
import { RuleBook } from './rule-book.ts'
import { compileRules } from '../rule-set/rule-set.ts'
import { ownTallies, ruleStatus, talliesOf, type RuleStatusAnswer } from '../status-route.ts'
import { ToldTallies } from './told-tallies.ts'

const rule = 'title: A\nid: a\nlogsource: { product: acme }\ndetection: { s: { event.action: Stop }, condition: s }\n'
const upper =
  'title: C\nid: c\ncorrelation: { type: event_count, rules: [a], group-by: [source.ip], timespan: 1m, condition: { gte: 2 } }\n'
const { set } = compileRules([
  { path: 'a.yml', text: rule },
  { path: 'c.yml', text: upper },
])
const started = '2026-01-01T00:00:00.000Z'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function openBus(): Promise<Bus> {
  const { bus, close } = await openEmbedded({ folder: temporary, log: silentLog, clock: systemClock })
  closing.push(close)
  await bus.createTopics(topicSpecs(2))
  return bus
}

function task(stage: string, partition: number, nextOffset: number, watermarkMs: number | null): TaskProgress {
  return { stage, partition, nextOffset, watermarkMs, topic: 't', ended: false, pending: 0, content: {} }
}

/** A process of detect, as far as its tallies go. */
class Process {
  readonly book = new RuleBook(silentTelemetry)
  readonly tallies: ToldTallies
  progress: readonly TaskProgress[] = []

  constructor(bus: Bus) {
    this.tallies = new ToldTallies({ bus, log: silentLog, telemetry: silentTelemetry }, () => this.own())
    this.book.inForce('d1', set)
    closing.push(() => this.tallies.stop())
  }

  own(): readonly RuleTally[] {
    return ownTallies(this.book, this.progress, '2026-01-01T01:00:00.000Z')
  }

  /** Takes up a partition of the first step, and finds so many matches of rule a in it. */
  work(partition: number, matches: number, nextOffset: number): void {
    const counts = this.book.begin('detect', partition, this.tallies.get('detect', partition), started)
    for (let n = 0; n < matches; n++) counts.matched('a')
    this.progress = [...this.progress, task('detect', partition, nextOffset, nextOffset * 1_000)]
  }

  status(): RuleStatusAnswer {
    return ruleStatus(this.book, talliesOf(this.own(), this.tallies.all()), 2)
  }
}

const ofRule = ({ rules }: RuleStatusAnswer, id: string) => rules.find((each) => each.id === id)

test('each process of detect tells what rules did in all of them, and how far the slowest has come', async () => {
  const bus = await openBus()
  const [one, other] = [new Process(bus), new Process(bus)]
  await Promise.all([one.tallies.start(), other.tallies.start()])
  one.work(0, 3, 70)
  other.work(1, 4, 50)
  other.book.counts('detect', 1)!.suppressed('a')
  other.book.counts('detect', 1)!.cost('a', 0.004)
  expect(ofRule(one.status(), 'a')).toMatchObject({ matched: 3, through: null })
  await Promise.all([one.tallies.tell(), other.tallies.tell()])
  await vi.waitFor(() => {
    for (const process of [one, other]) {
      expect(ofRule(process.status(), 'a')).toMatchObject({
        ...{ matched: 7, suppressed: 1, costUs: 4, kind: 'sigma', through: '1970-01-01T00:00:50.000Z' },
      })
    }
  })
  expect(one.status().partitions[1]).toMatchObject({ stage: 'detect', partition: 1, nextOffset: 50 })
  // Behind the shuffle nobody has told of anything yet.
  expect(ofRule(one.status(), 'c')).toMatchObject({ kind: 'correlation', grouped: true, through: null })
})

test('who takes a partition over carries its counts on, and a partition is never counted twice', async () => {
  const bus = await openBus()
  const [one, other] = [new Process(bus), new Process(bus)]
  await Promise.all([one.tallies.start(), other.tallies.start()])
  one.work(0, 3, 70)
  await one.tallies.stop()
  await vi.waitFor(() => expect(other.tallies.get('detect', 0)).toBeDefined())
  other.work(0, 2, 90)
  expect(ofRule(other.status(), 'a')).toMatchObject({ matched: 5 })
  expect(other.status()).toMatchObject({ since: started, digest: 'd1' })

  const later = new Process(bus)
  await other.tallies.tell()
  await later.tallies.start()
  expect(ofRule(later.status(), 'a')).toMatchObject({ matched: 5 })
})

test('behind the shuffle a rule is evaluated as far as the slower of both steps, and an input that ended is complete', () => {
  const book = new RuleBook(silentTelemetry)
  book.inForce('d1', set)
  const told = (tasks: readonly TaskProgress[]): RuleStatusAnswer => {
    for (const { stage, partition } of tasks) book.begin(stage, partition, undefined, started)
    return ruleStatus(book, ownTallies(book, tasks, started), 1)
  }
  const both = told([task('detect', 0, 7, 2_000), task('detect-groups', 0, 3, 1_000)])
  expect(ofRule(both, 'a')?.through).toBe('1970-01-01T00:00:02.000Z')
  expect(ofRule(both, 'c')?.through).toBe('1970-01-01T00:00:01.000Z')
  expect(ofRule(told([task('detect', 0, 7, Infinity), task('detect-groups', 0, 3, 1_000)]), 'a')?.through).toBe('end')
  expect(ofRule(told([task('detect', 0, 7, 2_000), task('detect-groups', 0, 3, null)]), 'c')?.through).toBeNull()
})

test('what stands in the topic and is no tally changes nothing', () => {
  const process = new Process({} as Bus)
  process.work(0, 1, 5)
  const [tally] = process.own()
  const take = (text: string): void =>
    process.tallies.take({ key: 'detect/0', value: Buffer.from(text), partition: 0, offset: 0 })
  for (const text of ['{', '[]', '{"stage":"detect"}', JSON.stringify({ ...tally, rules: 1 })]) take(text)
  expect(process.tallies.all()).toEqual([])
  take(JSON.stringify(tally))
  expect(process.tallies.all()).toEqual([tally])
})
