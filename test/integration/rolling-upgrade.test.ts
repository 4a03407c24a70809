/**
 * Rolling upgrade: today's code goes on from checkpoints that an earlier version wrote, and from its own.
 *
 * test/history/saved holds what stood on the bus then. Version 1 of detect's state kept a correlation's group in one
 * piece, and where several rules matched one event it was kept for the first alone: a theft that was open across that upgrade
 * is found, and says that it may lack something.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Incident } from '../../core/incident.ts'
import type { Bus } from '../../core/ports/bus.ts'
import type { Signal } from '../../core/signal.ts'
import { headers, stateTopic, topics } from '../../core/topics.ts'
import { load, secondHalf, startServices, type SavedRecord } from '../history/history.ts'
import { eventually } from '../support/indexed.ts'
import { temporaryFolder } from '../support/tmp.ts'

const historyOf = (name: string): readonly SavedRecord[] =>
  readFileSync(join(import.meta.dirname, '../history/saved', `${name}.ndjson`), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as SavedRecord)

const inOrder = '7d0c1f8e-52a4-4c57-9d3e-1b6f5a2e0004'
const manyReads = '7d0c1f8e-52a4-4c57-9d3e-1b6f5a2e0006'

async function values<T>(bus: Bus, topic: string): Promise<readonly T[]> {
  const found: T[] = []
  for (let partition = 0; partition < (await bus.partitionCount(topic)); partition++) {
    await bus.read({ topic, partition }, 'start', (batch) => {
      for (const { value, headers: named } of batch) {
        if (value !== null && !(headers.control in named)) found.push(JSON.parse(value.toString()) as T)
      }
    })
  }
  return found
}

/** A stage's state as its checkpoints have it, without the names of rules. */
async function stateOf(bus: Bus, stage: string): Promise<ReadonlyMap<string, unknown>> {
  const state = new Map<string, unknown>()
  for (let partition = 0; partition < (await bus.partitionCount(stateTopic(stage))); partition++) {
    await bus.read({ topic: stateTopic(stage), partition }, 'start', (batch) => {
      for (const { key = '', value } of batch)
        state.set(key.slice(key.lastIndexOf('/[') + 1), value === null ? undefined : JSON.parse(value.toString()))
    })
  }
  return state
}
const openGroup = '["own","own/open"]'

/** Whom findings of a rule are about, each once. */
function principalsOf(signals: readonly Signal[], rule: string): readonly string[] {
  const found = signals.filter((signal) => signal.rule.id === rule && signal.status === 'open')
  const names = found.flatMap(({ entities }) => entities.filter(({ type }) => type === 'principal').map(({ id }) => id))
  return [...new Set(names)].sort()
}

describe('state that an earlier version wrote', { timeout: 120_000 }, () => {
  for (const [version, incomplete] of [
    ['v1', true],
    ['v2', false],
    ['v3', false],
    ['v4', false],
  ] as const) {
    test(`${version}: is read, and work goes on where it stood, nothing lost and nothing doubled`, async () => {
      const history = historyOf(version)
      const recorded = history.filter(({ topic, value, headers: named }) => topic === topics.events && value !== null && !(headers.control in named)).length // prettier-ignore
      const folder = await temporaryFolder('history')
      await load(folder, history)
      const instance = await startServices(folder)
      try {
        await instance.bus.publish(secondHalf)
        const signals = await eventually(async () => {
          const found = (await values<Signal>(instance.bus, topics.signals)).filter((each) => 'rule' in each)
          const whole = found.filter(({ rule, entities }) => rule.id === inOrder && JSON.stringify(entities).includes('own/whole')) // prettier-ignore
          const events = await values(instance.bus, topics.events)
          // The second step of detect has a log of its own, and is done when it is.
          const grouped = found.some(({ rule }) => rule.id === manyReads)
          const done =
            grouped && new Set(whole.map(({ id }) => id)).size === 2 && events.length >= recorded + secondHalf.length
          return done && found
        })
        await eventually(async () => {
          const incidents = await values<Incident>(instance.bus, topics.incidents)
          return incidents.some(({ primary, signalCount }) => primary.id === 'own/whole' && signalCount === 2)
        })
        expect(principalsOf(signals, inOrder)).toEqual(['own/open', 'own/whole'])
        const open = signals.find(({ rule, entities }) => rule.id === inOrder && JSON.stringify(entities).includes('own/open')) // prettier-ignore
        expect([open?.evidence.count, open?.facts['incomplete'] ?? false]).toEqual([3, incomplete])
        // Of version 1, too, the entries stand beside the operator's state once it has changed, as far as they are few
        // in the head.
        await eventually(async () => {
          const group = (await stateOf(instance.bus, 'detect')).get(openGroup) as { entries?: unknown } | undefined
          return version === 'v1' ? Array.isArray(group?.entries) && group.entries.length === 3 : group?.entries === 1
        })
        const groups = signals.filter(({ rule }) => rule.id === manyReads).map(({ id }) => id)
        expect(new Set(groups).size).toBe(1)
        const ids = (await values<{ event: { id: string } }>(instance.bus, topics.events)).map(({ event }) => event.id)
        expect(ids).toHaveLength(recorded + secondHalf.length)
        expect(new Set(ids).size).toBe(ids.length)
        expect(await values(instance.bus, topics.deadLetters)).toEqual([])
      } finally {
        await instance.stop()
      }
    })
  }

  test('of a version that is yet to come is refused, and says which program reads it', async () => {
    const history = historyOf('v2').map((record) =>
      record.topic === stateTopic('detect') && record.key?.endsWith('\n') === true && record.value !== null
        ? { ...record, value: record.value.replace('"version":2', '"version":99') }
        : record,
    )
    const folder = await temporaryFolder('history')
    await load(folder, history)
    const instance = await startServices(folder)
    try {
      const detect = await eventually(async () => {
        await Promise.resolve()
        const health = instance.health()['detect']
        return health?.state === 'degraded' && health
      })
      expect(detect.summary).toContain('version 99')
    } finally {
      await instance.stop()
    }
  })
})
