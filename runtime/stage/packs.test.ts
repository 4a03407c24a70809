import { describe, expect, it } from 'vitest'
import type { DeadLetter } from '../../core/dead-letter.ts'
import { limits } from '../../core/limits.ts'
import type { BusRecord, OutgoingRecord } from '../../core/ports/bus.ts'
import { systemClock } from '../../core/ports/clock.ts'
import { headers, topics } from '../../core/topics.ts'
import { ContentOnBus } from '../content/content-reader.ts'
import { silentLog } from '../log.ts'
import { MemoryState } from './memory-state.ts'
import { Pack, packCharsMax, unpack } from './packs.ts'
import { StageTask } from './stage-task.ts'
import type { PackReader, StageLogic, StageSpec } from './stage.ts'
import { silentTelemetry } from '../telemetry.ts'

const partitions = 2
const [inTopic, betweenTopic, otherTopic] = ['test.in', 'test.between', 'test.other']

const reader: PackReader = {
  inputs: [betweenTopic],
  create: () => ({ record: () => undefined, item: () => undefined }),
}

interface Task {
  take(batch: readonly BusRecord[]): Promise<void>
  /** What it has published, in order. */
  readonly published: OutgoingRecord[]
  /** How many records at a time. */
  readonly sends: number[]
  /** Outputs that were counted, by topic. */
  readonly emitted: Record<string, number>
}

function task(spec: Partial<StageSpec>, topic: string, logic: StageLogic): Task {
  const published: OutgoingRecord[] = []
  const sends: number[] = []
  const emitted: Record<string, number> = {}
  const publish = async (records: readonly OutgoingRecord[]): Promise<void> => {
    published.push(...records)
    sends.push(records.length)
  }
  const at = { topic, partition: 0 }
  const made = new StageTask({
    spec: {
      ...{ name: 'x', stateVersion: 1, inputs: [topic], watermark: [], tellsWatermarkTo: [], ticks: false },
      ...{ content: [], create: () => logic, ...spec },
    },
    at,
    partitions: 1,
    partitionsOf: () => partitions,
    downstream: (spec.tellsWatermarkTo ?? []).flatMap((told) =>
      Array.from({ length: partitions }, (_, partition) => ({ topic: told, partition })),
    ),
    deps: {
      bus: { publish } as never,
      content: new ContentOnBus(silentLog, silentTelemetry),
      // No time passes: nothing is sent but for its size, or at the end of a batch.
      clock: { ...systemClock, monotonicMs: () => 0 },
      log: silentLog,
      telemetry: {
        ...silentTelemetry,
        emitted: (_stage, topic, count) => void (emitted[topic] = (emitted[topic] ?? 0) + count),
      },
    },
    logic,
    state: new MemoryState(),
    producer: { commit: async () => undefined, close: async () => undefined },
    meta: undefined,
  })
  return { take: (batch) => made.take(batch), published, sends, emitted }
}

/** Puts three outputs out for each record, over both partitions. */
function upper(more: Partial<StageSpec> = {}): Task {
  return task({ name: 'upper', packs: [reader], ...more }, inTopic, {
    record: ({ offset, value }, out) => {
      out.happened(offset * 1_000, 0)
      for (const part of ['a', 'b', 'c']) {
        out.emit({ topic: betweenTopic, key: `${part}${offset % 3}`, value: { text: `${value.toString()}${part}` } })
      }
    },
  })
}

function lower(seen: string[], logic: Partial<StageLogic> = {}): Task {
  return task({ name: 'lower', watermark: [`upper/${inTopic}`] }, betweenTopic, {
    record: ({ value, arrivedMs }) => void seen.push(`${value.toString()} ${arrivedMs}`),
    item: ({ value, arrivedMs }) => void seen.push(`${JSON.stringify(value)} ${arrivedMs}`),
    watermark: (eventTimeMs) => void seen.push(`watermark ${eventTimeMs}`),
    ...logic,
  })
}

function input(from: number, to: number): BusRecord[] {
  return Array.from({ length: to - from }, (_, index) => ({
    ...{ topic: inTopic, partition: 0, offset: from + index, key: undefined, headers: {} },
    value: Buffer.from(`r${from + index}`),
    appendedMs: 5_000 + from + index,
  }))
}

/** As the bus would have them: the records of one partition, with offsets. */
function logOf(published: readonly OutgoingRecord[], partition: number): BusRecord[] {
  const here = published.filter((record) => record.topic === betweenTopic && record.partition === partition)
  return here.map(({ key, value, headers: told = {} }, offset) => ({
    ...{ topic: betweenTopic, partition: 0, offset, key, headers: told, appendedMs: 9_000 },
    value: Buffer.from(value as string),
  }))
}

const expected = (ends: string[]): string[] => [...ends].sort()

async function seenBy(records: readonly BusRecord[]): Promise<string[]> {
  const seen: string[] = []
  await lower(seen).take(records)
  return seen
}

describe('a pack', () => {
  it('holds what one batch puts out for a partition, and is taken as if each had come alone', async () => {
    const [together, alone] = [upper(), upper({ packs: [] })]
    await together.take(input(0, 40))
    await alone.take(input(0, 40))
    expect([together.published.length, alone.published.length]).toEqual([2, 120])
    const packed = [...(await seenBy(logOf(together.published, 0))), ...(await seenBy(logOf(together.published, 1)))]
    const plain = await seenBy(
      alone.published.map(({ value, headers: told = {} }, offset) => ({
        ...{ topic: betweenTopic, partition: 0, offset, key: undefined, headers: told, appendedMs: 9_000 },
        value: Buffer.from(value as string),
      })),
    )
    expect(expected(packed)).toEqual(expected(plain))
    expect(packed.filter((text) => text.startsWith('{"text":"r7a"}'))).toEqual(['{"text":"r7a"} 5007'])
  })

  it('keeps the order of a partition, also across what has to go alone and what is too large', async () => {
    const producer = task({ name: 'upper', packs: [reader] }, inTopic, {
      record: ({ offset }, out) => {
        const pad = offset === 3 ? 'x'.repeat(packCharsMax) : 'y'.repeat(offset === 5 ? packCharsMax - 100 : 1)
        const own = offset === 7 ? { headers: { own: '1' } } : {}
        out.emit({ topic: betweenTopic, key: 'k', value: { n: offset, pad }, ...own })
        out.emit({ topic: otherTopic, key: 'k', value: { n: offset } })
      },
    })
    await producer.take(input(0, 12))
    const log = producer.published.filter(({ topic }) => topic === betweenTopic)
    expect(log.length).toBeLessThan(9)
    const numbers = log.flatMap(({ value, headers: told = {} }) => {
      const record = { value: Buffer.from(value as string), headers: told }
      return unpack(record)?.items.map((item) => item.value) ?? [JSON.parse(value as string) as unknown]
    })
    expect(numbers.map((each) => (each as { n: number }).n)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
    for (const { value } of log) expect((value as string).length).toBeLessThanOrEqual(packCharsMax + 50)
  })

  it('has an end by its size, and what is gathered is sent before the end of the batch where it is much', async () => {
    const producer = task({ name: 'upper', packs: [reader] }, inTopic, {
      record: (_record, out) => {
        for (let n = 0; n < 20; n++) out.emit({ topic: betweenTopic, key: 'k', value: { pad: 'x'.repeat(30 * 1024) } })
      },
    })
    await producer.take(input(0, 2))
    const lengths = producer.published.map(({ value }) => (value as string).length)
    expect(Math.max(...lengths)).toBeLessThanOrEqual(packCharsMax + 2)
    expect(lengths).toHaveLength(20)
    expect(producer.sends).toEqual([10, 10])
  })

  it('counts as what it holds', async () => {
    const [together, alone] = [upper(), upper({ packs: [] })]
    await together.take(input(0, 40))
    await alone.take(input(0, 40))
    expect(together.emitted).toEqual({ [betweenTopic]: 120 })
    expect(together.emitted).toEqual(alone.emitted)
  })

  it('holds objects alone: text that a stage has spelled itself goes as it is', async () => {
    const producer = task({ name: 'upper', packs: [reader] }, inTopic, {
      record: ({ offset }, out) => {
        out.emit({ topic: betweenTopic, key: 'k', value: offset === 1 ? 'plain text' : { offset } })
      },
    })
    await producer.take(input(0, 3))
    expect(producer.published.map(({ value }) => value)).toEqual(['{"offset":0}', 'plain text', '{"offset":2}'])
  })

  describe('of outputs that share a head', () => {
    const sharing = (count: number, pad = ''): Task =>
      task({ name: 'upper', packs: [reader] }, inTopic, {
        record: ({ offset }, out) => {
          for (let n = 0; n < count; n++) {
            const [head, of] = [`{"rule":"${n % 2}${pad}"}`, offset * count + n]
            out.emit({ topic: betweenTopic, key: 'k', value: { rule: `${n % 2}${pad}`, of }, shared: { head, of } })
          }
          out.emit({ topic: betweenTopic, key: 'k', value: { bare: offset } })
        },
      })

    it('holds as JSON what is its own, text too', async () => {
      const producer = task({ name: 'upper', packs: [reader] }, inTopic, {
        record: ({ offset }, out) => {
          out.emit({ topic: betweenTopic, key: 'k', value: {}, shared: { head: '{}', of: `"${offset}` } })
        },
      })
      await producer.take(input(0, 2))
      const [{ value, headers: told = {} }] = producer.published as [OutgoingRecord]
      const items = unpack({ value: Buffer.from(value as string), headers: told })?.items.map((item) => item.value)
      expect(items).toEqual([
        { head: {}, of: '"0' },
        { head: {}, of: '"1' },
      ])
    })

    it('holds each head once, and hands each output on with its own', async () => {
      const producer = sharing(4)
      await producer.take(input(0, 2))
      const [{ value, headers: told = {} }, ...more] = producer.published as [OutgoingRecord]
      expect(more).toEqual([])
      const { heads } = JSON.parse(value as string) as { heads: unknown }
      expect(heads).toEqual([{ rule: '0' }, { rule: '1' }])
      const items = unpack({ value: Buffer.from(value as string), headers: told })?.items.map((item) => item.value)
      const of = (n: number): unknown => ({ head: { rule: String(n % 2) }, of: n })
      expect(items).toEqual([of(0), of(1), of(2), of(3), { bare: 0 }, of(4), of(5), of(6), of(7), { bare: 1 }])
    })

    it('of one output is an ordinary record with all of it', async () => {
      const producer = task({ name: 'upper', packs: [reader] }, inTopic, {
        record: (_record, out) => {
          out.emit({ topic: betweenTopic, key: 'k', value: { whole: true }, shared: { head: '{}', of: 1 } })
        },
      })
      await producer.take(input(0, 1))
      expect(producer.published.map(({ key, value }) => [key, value])).toEqual([['k', '{"whole":true}']])
    })

    it('has an end by its size, heads counted, and begins the next with heads of its own', async () => {
      const producer = sharing(2, 'x'.repeat(20_000))
      await producer.take(input(0, 3))
      const big = task({ name: 'upper', packs: [reader] }, inTopic, {
        record: ({ offset }, out) => {
          const head = JSON.stringify({ offset, pad: 'x'.repeat(25_000) })
          for (let n = 0; n < 2; n++) out.emit({ topic: betweenTopic, key: 'k', value: {}, shared: { head, of: n } })
        },
      })
      await big.take(input(0, 6))
      expect(big.published).toHaveLength(3)
      for (const { value, headers: told } of [...producer.published, ...big.published]) {
        expect((value as string).length).toBeLessThanOrEqual(packCharsMax + 50)
        expect(unpack({ value: Buffer.from(value as string), headers: told ?? {} })).toBeDefined()
      }
      const offsets = big.published.map(({ value }) => (JSON.parse(value as string) as { heads: { offset: number }[] }).heads.map(({ offset }) => offset)) // prettier-ignore
      expect(offsets).toEqual([[0, 1], [2, 3], [4, 5]]) // prettier-ignore
    })
  })

  it.each([undefined, '{"rule":1}'])(
    'that is refused whole fits its dead letter, to the character, head %s',
    (head) => {
      const of = { key: 'k', head, whole: {}, offset: 1, index: 2, arrived: '5000' }
      const lengths = Array.from({ length: 150 }, (_, short) => {
        const pack = new Pack('upper/test.in/0', betweenTopic, 0)
        expect(pack.add({ ...of, json: `"${'x'.repeat(30_000)}"` })).toBe(true)
        pack.add({ ...of, json: `"${'y'.repeat(limits.deadLetterBytesMax - 30_000 - short)}"` })
        return (pack.take()!.value as string).length
      })
      expect(Math.max(...lengths)).toBeLessThanOrEqual(limits.deadLetterBytesMax)
      expect(Math.max(...lengths)).toBeGreaterThan(limits.deadLetterBytesMax - 30)
    },
  )

  it('that comes again cut otherwise, after a restart, changes nothing', async () => {
    const [first, again] = [upper(), upper()]
    await first.take(input(0, 10))
    for (const [from, to] of [[0, 3], [3, 14], [14, 20]] as const) await again.take(input(from, to)) // prettier-ignore
    const whole = upper()
    await whole.take(input(0, 20))
    for (const partition of [0, 1]) {
      const log = [...logOf(first.published, partition), ...logOf(again.published, partition)]
      const renumbered = log.map((record, offset) => ({ ...record, offset }))
      expect(await seenBy(renumbered)).toEqual(await seenBy(logOf(whole.published, partition)))
    }
  })

  it('of one output is an ordinary record, with its key and mark', async () => {
    const { take, published } = upper()
    await take(input(4, 5))
    const alone = published.find(({ key }) => key !== undefined)
    const plain = upper({ packs: [] })
    await plain.take(input(4, 5))
    const { partition: _partition, ...rest } = alone ?? { partition: 0 }
    const same = plain.published.find(({ key }) => key === alone?.key)
    expect(same).toMatchObject(rest)
  })

  it('stays before the watermark that is told after it', async () => {
    const source = task(
      { name: 'upper', packs: [reader], watermark: 'records', tellsWatermarkTo: [betweenTopic] },
      inTopic,
      {
        record: ({ offset }, out) => {
          out.happened(offset * 1_000_000, 0)
          for (const key of ['a', 'b', 'c']) out.emit({ topic: betweenTopic, key, value: { offset } })
        },
      },
    )
    await source.take(input(1, 4))
    const seen: string[] = []
    await lower(seen).take(logOf(source.published, 0))
    const offsets = [1, 2, 3].flatMap((offset) =>
      seen.filter((text) => text.startsWith(`{"offset":${offset}}`)).length > 0
        ? [[seen.findLastIndex((text) => text.startsWith(`{"offset":${offset}}`)), seen.indexOf(`watermark ${offset}000000`)]]
        : [],
    ) // prettier-ignore
    expect(offsets.length).toBe(3)
    for (const [last, watermark] of offsets) expect(last).toBeLessThan(watermark ?? -1)
  })
})

describe('what is refused of a pack', () => {
  const item = (offset: number, value: unknown) => [offset, 0, 1_000, value]
  const pack = (value: string, offset = 0): BusRecord => ({
    ...{ topic: betweenTopic, partition: 0, offset, key: undefined, value: Buffer.from(value), appendedMs: 9_000 },
    headers: { [headers.packed]: 'upper/test.in/0', [headers.arrived]: '1000' },
  })
  const letters = ({ published }: Task): DeadLetter[] =>
    published
      .filter(({ topic }) => topic === topics.deadLetters)
      .map(({ value }) => JSON.parse(value as string) as DeadLetter)

  it('is a dead letter by itself, which says which it was; the others are taken', async () => {
    const seen: string[] = []
    const reader = lower(seen, {
      item: ({ value }, out) => {
        if (value === 'bad') throw new Error('cannot swallow this')
        if (value === 'odd') out.deadLetter('NOT_AN_EVENT', 'odd')
        else seen.push(String(value))
      },
    })
    await reader.take([pack(JSON.stringify(['a', 'bad', 'b', 'odd', 'c'].map((each, at) => item(at, each))))])
    expect(seen).toEqual(['a', 'b', 'c'])
    const found = letters(reader).map(({ code, original, position, headers: told }) => [code, original, position.index, headers.packed in told, told[headers.item]]) // prettier-ignore
    expect(found).toEqual([
      ['STEP_FAILED', '"bad"', 1, false, '1'],
      ['NOT_AN_EVENT', '"odd"', 3, false, '3'],
    ])
  })

  it('is taken where it is put back alone, without its mark, though later ones have come meanwhile', async () => {
    const seen: string[] = []
    const again = { ...pack('"late"', 1), headers: { [headers.replayOf]: 'letter' } }
    await lower(seen).take([pack(JSON.stringify([item(5, 'a'), item(6, 'b')])), again])
    expect(seen.map((text) => text.split(' ')[0])).toEqual(['"a"', '"b"', '"late"'])
  })

  it('is told from what else is refused of the same record, and of the same item', async () => {
    const reader = lower([], {
      item: (_item, out) => {
        out.deadLetter('NOT_AN_EVENT', 'once', { index: 0 })
        out.deadLetter('NOT_AN_EVENT', 'twice', { index: 1 })
      },
    })
    await reader.take([pack(JSON.stringify([item(1, 'a'), item(2, 'b')]))])
    const found = letters(reader)
    expect(found.map(({ position }) => position.index)).toEqual([0, 0, 1, 1])
    expect(new Set(found.map(({ id }) => id)).size).toBe(4)
  })

  it('is the one that too much was made of, and no other', async () => {
    const reader = lower([], {
      item: ({ value }, out) => {
        out.emit({ topic: otherTopic, key: 'k', value: { of: value } })
        if (value === 'big') out.emit({ topic: otherTopic, key: 'k', value: { pad: 'x'.repeat(1_000_001) } })
      },
    })
    await reader.take([pack(JSON.stringify(['a', 'big', 'c'].map((each, at) => item(at, each))))])
    const found = letters(reader).map(({ code, original, position, headers: told }) => [code, original, position.index, headers.packed in told, told[headers.item]]) // prettier-ignore
    expect(found).toEqual([['TOO_LARGE', '"big"', 1, false, '1']])
    const made = reader.published.filter(({ topic }) => topic === otherTopic)
    expect(made.map(({ value }) => value)).toEqual(['{"of":"a"}', '{"of":"big"}', '{"of":"c"}'])
  })

  it.each([
    ['is not JSON', '[[1,0,5'],
    ['is no list', '{}'],
    ['has an item with a part missing', '[[1,0,5]]'],
    ['has a mark that is none', '[["1",0,5,{}]]'],
    ['has items and no heads', '{"items":[[1,0,5,{}]]}'],
    ['names a head that is not there', '{"heads":[{}],"items":[[1,0,5,{},1]]}'],
    ['has an item with a part too many', '{"heads":[{}],"items":[[1,0,5,{},0,1]]}'],
    ['names a head by no number', '{"heads":[{}],"items":[[1,0,5,{},"0"]]}'],
  ])('is all of it where it %s', async (_what, text) => {
    const seen: string[] = []
    const reader = lower(seen)
    await reader.take([pack(text), pack(JSON.stringify([item(1, 'good')]), 1)])
    expect(seen).toEqual(['"good" 1000'])
    expect(letters(reader).map(({ code, original }) => [code, original])).toEqual([['NOT_AN_OBJECT', text]])
  })

  it('is all of it where the stage takes no packs', async () => {
    const reader = task({ name: 'other' }, betweenTopic, { record: () => undefined })
    await reader.take([pack(JSON.stringify([item(1, 'x')]))])
    expect(letters(reader)).toHaveLength(1)
  })
})
