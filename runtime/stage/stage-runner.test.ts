import { afterEach, describe, expect, it } from 'vitest'
import { openEmbedded } from '../../adapters/embedded/open.ts'
import { Control } from '../../core/control.ts'
import { BusUnavailableError } from '../../core/errors.ts'
import type { Bus, BusRecord } from '../../core/ports/bus.ts'
import { systemClock } from '../../core/ports/clock.ts'
import { headers, topics, topicSpecs } from '../../core/topics.ts'
import { temporaryFolder } from '../../test/support/tmp.ts'
import { ContentOnBus } from '../content/content-reader.ts'
import { silentLog } from '../log.ts'
import { runStage, type StageRun } from './stage-runner.ts'
import type { Sidecar, SidecarContext, StageSpec, TaskContext } from './stage.ts'
import { silentTelemetry } from '../telemetry.ts'

const partitions = 2
const inTopic = 'test.in'
const outTopic = 'test.out'
const lastTopic = 'test.last'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function openBus(): Promise<{ bus: Bus; close(): Promise<void> }> {
  const { bus, close } = await openEmbedded({ folder: await temporaryFolder(), log: silentLog, clock: systemClock })
  let closed = false
  const once = async (): Promise<void> => {
    if (closed) return
    closed = true
    await close()
  }
  closing.push(once)
  const spec = (name: string) => ({ name, partitions, cleanup: 'delete' as const })
  await bus.createTopics([...topicSpecs(partitions), spec(inTopic), spec(outTopic), spec(lastTopic)])
  return { bus, close: once }
}

function run(bus: Bus, spec: StageSpec, options: { ticking?: boolean; checkpointIntervalMs?: number } = {}): StageRun {
  const content = new ContentOnBus(silentLog, silentTelemetry)
  const context = {
    bus,
    content,
    clock: systemClock,
    log: silentLog,
    telemetry: silentTelemetry,
    ticking: () => options.ticking ?? false,
  }
  const stage = runStage(spec, context, {
    checkpointIntervalMs: options.checkpointIntervalMs ?? 50,
    tickIdleMs: 50,
    shutdownGraceMs: 2_000,
  })
  closing.push(() => stage.stop())
  return stage
}

/** Numbers each key's records in the order seen: an output that a lost, doubled or reordered record would change. */
function countingStage(more: Partial<StageSpec> = {}): StageSpec {
  return {
    name: 'counting',
    stateVersion: 1,
    inputs: [inTopic],
    watermark: 'records',
    tellsWatermarkTo: [outTopic],
    ticks: false,
    content: [],
    create: ({ state }: TaskContext) => ({
      record(record, out) {
        const text = record.value.toString()
        if (text === 'poison') throw new Error('cannot swallow this')
        const key = record.key ?? ''
        const count = (state.get<number>(key) ?? 0) + 1
        state.set(key, count)
        out.happened(Number(text), 1_000)
        out.emit({ topic: outTopic, key, value: { key, count, text } })
      },
    }),
    ...more,
  }
}

async function readAll(bus: Bus, topic: string): Promise<BusRecord[]> {
  const found: BusRecord[] = []
  for (const { partition } of await bus.offsets(topic)) {
    await bus.read({ topic, partition }, 'start', (batch) => void found.push(...batch))
  }
  return found
}

async function outputs(bus: Bus, topic = outTopic): Promise<string[]> {
  const all = await readAll(bus, topic)
  const seen = new Set<string>()
  // As a consumer would: what carries a mark that was there already is a redelivery.
  const fresh = all.filter(
    (record) =>
      !(headers.control in record.headers) &&
      !seen.has(record.headers[headers.mark] ?? '') &&
      seen.add(record.headers[headers.mark] ?? ''),
  )
  return fresh.map((record) => record.value?.toString() ?? '')
}

async function until(condition: () => Promise<boolean> | boolean, what: string): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited 10 s for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

const records = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => ({
    topic: inTopic,
    key: `k${(from + index) % 7}`,
    value: String(10_000 + from + index),
  }))

describe('a stage', () => {
  it('stopped and started again goes on where it was, with its state', async () => {
    const { bus } = await openBus()
    const first = run(bus, countingStage())
    await first.start()
    await bus.publish(records(70))
    await until(async () => (await outputs(bus)).length === 70, '70 outputs')
    await first.stop()
    await bus.publish(records(70, 70))
    const second = run(bus, countingStage())
    await second.start()
    await until(async () => (await outputs(bus)).length === 140, '140 outputs')
    const counts = (await outputs(bus)).map((text) => (JSON.parse(text) as { count: number }).count)
    expect(Math.max(...counts)).toBe(20)
    expect((await readAll(bus, outTopic)).filter((record) => !(headers.control in record.headers))).toHaveLength(140)
  })

  it('that lost its last checkpoints gives the same outputs again, with the same marks', async () => {
    const { bus } = await openBus()
    // Checkpoints never come: the second run starts from nothing, as after a kill before the first of them.
    const first = run(bus, countingStage(), { checkpointIntervalMs: 3_600_000 })
    await first.start()
    await bus.publish(records(50))
    await until(async () => (await outputs(bus)).length === 50, '50 outputs')
    const before = await outputs(bus)
    const second = run(bus, countingStage())
    await second.start()
    await bus.publish(records(10, 50))
    await until(async () => (await outputs(bus)).length === 60, '60 outputs')
    expect((await outputs(bus)).filter((text) => before.includes(text))).toHaveLength(50)
  })

  it('drops what comes again with a mark it has seen', async () => {
    const { bus } = await openBus()
    const stage = run(bus, countingStage())
    await stage.start()
    const marked = { topic: inTopic, key: 'k', partition: 0, value: '10000', headers: { [headers.mark]: 'up/t/0:5.0' } }
    await bus.publish([marked, marked, { ...marked, headers: { [headers.mark]: 'up/t/0:4.9' } }])
    await bus.publish([{ ...marked, headers: { [headers.mark]: 'up/t/0:5.1' } }])
    await until(async () => (await outputs(bus)).length === 2, 'two outputs')
    expect((await outputs(bus)).map((text) => (JSON.parse(text) as { count: number }).count)).toEqual([1, 2])
  })

  it('makes a record that its step throws on a dead letter, and goes on', async () => {
    const { bus } = await openBus()
    const stage = run(bus, countingStage())
    await stage.start()
    await bus.publish([
      { topic: inTopic, key: 'k', value: 'poison', headers: { source: 's' } },
      { topic: inTopic, key: 'k', value: '10000' },
    ])
    await until(async () => (await outputs(bus)).length === 1, 'the record after it')
    await until(async () => (await readAll(bus, topics.deadLetters)).length === 1, 'the dead letter')
    const [letter] = await readAll(bus, topics.deadLetters)
    expect(JSON.parse(letter?.value?.toString() ?? '')).toMatchObject({
      code: 'STEP_FAILED',
      stage: 'counting',
      original: 'poison',
      source: 's',
    })
  })

  it('makes a batch that the bus could not read one dead letter, without its bytes, and goes on', async () => {
    const { bus } = await openBus()
    const stage = run(bus, countingStage())
    await stage.start()
    await bus.publish([
      {
        topic: inTopic,
        key: 'k',
        value: 'a secret, compressed',
        headers: { [headers.badEncoding]: 'lz4', [headers.badEncodingRecords]: '7' },
      },
      { topic: inTopic, key: 'k', value: '10000' },
    ])
    await until(async () => (await outputs(bus)).length === 1, 'the record after it')
    await until(async () => (await readAll(bus, topics.deadLetters)).length === 1, 'the dead letter')
    const [letter] = await readAll(bus, topics.deadLetters)
    const told = JSON.parse(letter?.value?.toString() ?? '') as Record<string, unknown>
    expect(told).toMatchObject({ code: 'BAD_ENCODING', stage: 'counting', bytes: 20, original: '' })
    expect(told['message']).toContain('7 records')
    expect(told['message']).toContain('lz4')
  })

  it('is fenced off by a second owner of its partition: its checkpoints no longer count', async () => {
    const { bus } = await openBus()
    const zombie = run(bus, countingStage())
    await zombie.start()
    await bus.publish(records(10))
    await until(async () => (await outputs(bus)).length === 10, '10 outputs')
    const usurpers = await Promise.all([0, 1].map((partition) => bus.fenced(`counting/${inTopic}/${partition}`)))
    await bus.publish(records(10, 10))
    await until(async () => (await outputs(bus)).length === 20, '20 outputs')
    await zombie.stop()
    await Promise.all(usurpers.map((producer) => producer.close()))
    const next = run(bus, countingStage())
    await next.start()
    await bus.publish(records(1, 20))
    await until(async () => (await outputs(bus)).length === 21, 'the last output')
    expect(
      (await outputs(bus))
        .map((text) => (JSON.parse(text) as { count: number }).count)
        .sort((a, b) => a - b)
        .at(-1),
    ).toBe(3)
  })
})

describe('the health of a stage', () => {
  /** The bus, whose disk is full while `full()` says so. */
  const filling = (bus: Bus, full: () => boolean): Bus => {
    const refuse = (): Promise<never> => Promise.reject(new BusUnavailableError('database or disk is full'))
    return Object.assign(Object.create(bus) as Bus, {
      publish: (batch: Parameters<Bus['publish']>[0]) => (full() ? refuse() : bus.publish(batch)),
      fenced: async (name: string) => {
        const producer = await bus.fenced(name)
        return { ...producer, commit: (batch: Parameters<Bus['publish']>[0]) => (full() ? refuse() : producer.commit(batch)) } // prettier-ignore
      },
      consume: bus.consume.bind(bus),
      read: bus.read.bind(bus),
      offsets: bus.offsets.bind(bus),
      partitionCount: bus.partitionCount.bind(bus),
      createTopics: bus.createTopics.bind(bus),
    })
  }

  it.each<[string, StageSpec['create'], boolean]>([
    ['a checkpoint', ({ state }) => ({ record: ({ value }) => state.set('last', value.toString()) }), false],
    ['outputs', () => ({ record: ({ value }, out) => out.emit({ topic: outTopic, key: 'k', value: value.toString() }) }), false],
    ['a tick', () => ({ record: () => undefined }), true],
  ])('says that it is not ready while %s can not be written, and is again by itself when it can', async (_what, create, ticks) => {
    const { bus } = await openBus()
    let isFull = false
    const stage = run(filling(bus, () => isFull), countingStage({ create, ticks }), { ticking: ticks })
    await stage.start()
    await until(() => stage.health().state === 'ready', 'its partitions')
    isFull = true
    if (!ticks) await bus.publish(records(1))
    await until(() => stage.health().unready !== undefined, 'the failure to show')
    expect(stage.health().state).toBe('degraded')
    isFull = false
    await until(() => stage.health().unready === undefined, 'the failure to be over')
    expect(stage.health().state).toBe('ready')
  }) // prettier-ignore

  it('names the content that it waits for', async () => {
    const { bus } = await openBus()
    const stage = run(bus, countingStage({ content: ['rules', 'inventory'] }))
    await stage.start()
    await until(() => stage.health().summary.includes('waits'), 'it to wait')
    expect(stage.health()).toEqual({
      state: 'starting',
      summary: 'waits for rules and inventory: none are in force yet',
    })
  })
})

describe('watermarks', () => {
  const watchingStage = (seen: number[]): StageSpec => ({
    ...countingStage(),
    name: 'watching',
    inputs: [outTopic],
    watermark: [`counting/${inTopic}`],
    tellsWatermarkTo: [lastTopic],
    create: () => ({ record: () => undefined, watermark: (eventTimeMs) => void seen.push(eventTimeMs) }),
  })

  it('pass from stage to stage, and the end of the input ends them all', async () => {
    const { bus } = await openBus()
    const seen: number[] = []
    const stages = [run(bus, countingStage()), run(bus, watchingStage(seen))]
    for (const stage of stages) await stage.start()
    await bus.publish(
      [0, 1].map((partition) => ({ topic: inTopic, partition, key: 'k', value: String(50_000 + partition) })),
    )
    await until(() => seen.length > 0, 'a watermark')
    expect(seen[0]).toBe(49_000)
    const end = { value: '{"control":"end"}', headers: { [headers.control]: 'end' } }
    await bus.publish([0, 1].map((partition) => ({ topic: inTopic, partition, ...end })))
    await until(() => stages.every((stage) => stage.progress().every((task) => task.ended)), 'the end')
    expect(seen.at(-1)).toBe(Infinity)
    // Each of the two tasks tells each of the two partitions that it has ended.
    const ends = async (): Promise<number> => {
      const told = (await readAll(bus, lastTopic)).map(({ value }) =>
        Control.parse(JSON.parse(value?.toString() ?? '')),
      )
      return told.filter((control) => control.control === 'watermark' && control.eventTimeMs === null).length
    }
    await until(async () => (await ends()) === 4, 'four ends told')
  })

  it('move on in a partition that has fallen silent, by the ticks that its owner writes', async () => {
    const { bus } = await openBus()
    const seen: number[] = []
    const stages = [run(bus, countingStage({ ticks: true }), { ticking: true }), run(bus, watchingStage(seen))]
    for (const stage of stages) await stage.start()
    await until(() => seen.length > 1, 'watermarks without a record')
    expect(Date.now() - (seen.at(-1) ?? 0)).toBeLessThan(11 * 60_000)
  })

  it('move on, too, in a partition to which only what tells no time comes, again and again', async () => {
    const { bus } = await openBus()
    const seen: number[] = []
    const stages = [run(bus, countingStage({ ticks: true }), { ticking: true }), run(bus, watchingStage(seen))]
    const trickle = setInterval(() => void bus.publish([{ topic: inTopic, partition: 0, value: 'poison' }]), 10)
    try {
      for (const stage of stages) await stage.start()
      await until(() => seen.length > 3, 'watermarks')
    } finally {
      clearInterval(trickle)
    }
  })

  it('a control record that is none becomes a dead letter', async () => {
    const { bus } = await openBus()
    await run(bus, countingStage()).start()
    await bus.publish([
      { topic: inTopic, partition: 0, value: '{"control":"reign"}', headers: { [headers.control]: 'reign' } },
    ])
    await until(async () => (await readAll(bus, topics.deadLetters)).length === 1, 'the dead letter')
    expect(JSON.parse((await readAll(bus, topics.deadLetters))[0]?.value?.toString() ?? '')).toMatchObject({
      code: 'CONTROL_INVALID',
    })
  })
})

describe('a sidecar', () => {
  it('starts only when all that earlier owners journaled has been read back', async () => {
    const { bus } = await openBus()
    const started: string[][] = []
    const spec = countingStage({
      name: 'journaling',
      create: ({ state }) => ({
        record: (record) => {
          state.set(record.value.toString(), true)
        },
      }),
      sidecar: (context: SidecarContext): Sidecar => {
        started.push([...context.state.entries('')].map(([key]) => key))
        return { changed: () => undefined, stop: () => Promise.resolve() }
      },
    })
    const first = run(bus, spec, { checkpointIntervalMs: 3_600_000 })
    await first.start()
    await until(() => started.length === partitions, 'the first owner')
    started.length = 0
    await bus.publish([{ topic: inTopic, partition: 0, value: 'intent' }])
    await until(() => first.progress().some((task) => task.nextOffset === 1), 'the intent read')
    // Fenced off, the first can't write its last checkpoint: what it did stands in the log alone.
    const usurpers = await Promise.all([0, 1].map((partition) => bus.fenced(`journaling/${inTopic}/${partition}`)))
    await first.stop()
    await Promise.all(usurpers.map((producer) => producer.close()))
    const second = run(bus, spec)
    await second.start()
    await until(() => started.length === partitions, 'the second owner')
    expect(started.flat()).toEqual(['intent'])
  })

  it('of a task that was fenced off can journal no more', async () => {
    const { bus } = await openBus()
    const contexts: SidecarContext[] = []
    const spec = countingStage({
      sidecar: (context) => {
        contexts.push(context)
        return { changed: () => undefined, stop: () => Promise.resolve() }
      },
    })
    await run(bus, spec).start()
    await until(() => contexts.length === partitions, 'the sidecars')
    const [context] = contexts
    if (context === undefined) throw new Error('no sidecar')
    await bus.fenced(`counting/${inTopic}/${context.at.partition}`)
    await expect(context.journal([{ topic: inTopic, partition: 0, value: '1' }])).rejects.toMatchObject({
      code: 'FENCED',
    })
    expect(context.signal.aborted).toBe(true)
  })
})

describe('state', () => {
  it('of an older version is migrated, of a newer one refused', async () => {
    const { bus } = await openBus()
    const first = run(bus, countingStage())
    await first.start()
    await bus.publish(records(7))
    await until(async () => (await outputs(bus)).length === 7, '7 outputs')
    await first.stop()
    const migrated = run(bus, countingStage({ stateVersion: 2, migrate: (_key, value) => Number(value) + 100 }))
    await migrated.start()
    await bus.publish(records(7, 7))
    await until(async () => (await outputs(bus)).length === 14, '14 outputs')
    expect((await outputs(bus)).filter((text) => (JSON.parse(text) as { count: number }).count === 102)).toHaveLength(7)
    await migrated.stop()
    const older = run(bus, countingStage())
    await older.start()
    await until(() => older.health().state === 'degraded', 'the refusal')
    expect(older.health().summary).toContain('version 2')
  })
})
