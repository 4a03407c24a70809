/**
 * Content edited while an installation runs on Kafka: in force in every copy within 2 s; a broken edit nowhere.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createKafkaBus } from '../../adapters/kafka/bus.ts'
import type { Bus } from '../../core/ports/bus.ts'
import type { Signal } from '../../core/signal.ts'
import { headers, topics } from '../../core/topics.ts'
import { silentLog } from '../../runtime/log.ts'
import { startFleet, type Fleet } from '../support/fleet.ts'
import { describeOwnKafka, startKafka } from '../support/kafka.ts'
import { temporaryFolder } from '../support/tmp.ts'

const inForceMsMax = 2_000

const ruleOf = (title: string, agent: string): string => `title: ${title}
id: 5f3c2d0e-2f39-4f63-8a63-2c8e6c1f7a11
status: test
level: high
logsource: { product: modelwarden, category: inference }
detection:
  selection: { user_agent.original: ${agent} }
  condition: selection
`

describeOwnKafka('a rule edited while two copies of detect run', () => {
  let fleet: Fleet
  let bus: Bus
  let rules: string
  let sent = 0

  beforeAll(async () => {
    const { brokers } = await startKafka()
    const folder = await temporaryFolder()
    rules = join(folder, 'rules')
    await mkdir(rules)
    await writeFile(join(rules, 'edited.yml'), ruleOf('As it was', 'agent-one'))
    bus = createKafkaBus({ brokers: [...brokers] }, silentLog)
    const processes = ['normalize', 'detect', 'detect#2']
    fleet = await startFleet({ brokers, folder, processes, config: { content: { rules: [rules] } } })
  })

  afterAll(async () => {
    await fleet.stop()
    await bus.close()
  })

  /** A call by each of many principals, so that every partition of both copies sees some. */
  async function callAs(agent: string): Promise<number> {
    const records = Array.from({ length: 40 }, () => {
      sent++
      const at = new Date().toISOString()
      return {
        id: `call-${sent}`,
        type: 'inference',
        ts: at,
        tenant: 'acme',
        principal: `u-${sent}`,
        model: 'm',
        userAgent: agent,
      }
    })
    await bus.publish(
      records.map((record) => ({
        topic: topics.inference,
        value: JSON.stringify(record),
        headers: { [headers.source]: 'gateway' },
      })),
    )
    return records.length
  }

  async function signalsTitled(title: string): Promise<number> {
    let count = 0
    for (const { partition } of await bus.offsets(topics.signals)) {
      await bus.read({ topic: topics.signals, partition }, 'start', (batch) => {
        for (const record of batch) {
          if (headers.control in record.headers) continue
          if ((JSON.parse(record.value?.toString() ?? '{}') as Signal).rule.title === title) count++
        }
      })
    }
    return count
  }

  async function untilSignals(title: string, count: number): Promise<void> {
    await expect.poll(() => signalsTitled(title), { timeout: 20_000, interval: 100 }).toBe(count)
  }

  it('is in force in every copy within 2 s', async () => {
    await untilSignals('As it was', await callAs('agent-one'))
    await writeFile(join(rules, 'edited.yml'), ruleOf('As it is now', 'agent-two'))
    await sleep(inForceMsMax)
    await untilSignals('As it is now', await callAs('agent-two'))
    await callAs('agent-one')
    await sleep(1_000)
    expect(await signalsTitled('As it was')).toBe(40)
  })

  it('broken, it changes nothing, and its mistake is reported with file, line and column', async () => {
    const before = await signalsTitled('As it is now')
    await writeFile(
      join(rules, 'edited.yml'),
      ruleOf('Broken', 'agent-three').replace('condition: selection', 'condition: selektion'),
    )
    await sleep(inForceMsMax)
    const calls = await callAs('agent-two')
    await untilSignals('As it is now', before + calls)
    expect(await signalsTitled('Broken')).toBe(0)
    const publisher = fleet.members.get('normalize')!
    expect(await readFile(publisher.logFile, 'utf8')).toMatch(/edited\.yml.{0,40}\b8\b.{0,40}\b14\b/s)
  })
})
