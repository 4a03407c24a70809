/**
 * Least privilege on a broker that enforces it: every service under a Kafka user of its own, with just what
 * `modelwarden topics acls` gives it, on the settings of deploy/kafka/server.properties.
 */
import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { createKafkaBus } from '../../adapters/kafka/bus.ts'
import { serviceNames } from '../../cli/service-names.ts'
import { aclsOf } from '../../cli/topic-access.ts'
import type { Bus, BusRecord } from '../../core/ports/bus.ts'
import { topics } from '../../core/topics.ts'
import { silentLog } from '../../runtime/log.ts'
import { startFleet, type Fleet } from '../support/fleet.ts'
import { giveAcls, shippedSecurity } from '../support/kafka-acls.ts'
import { describeOwnKafka, startKafka } from '../support/kafka.ts'
import { temporaryFolder } from '../support/tmp.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../..')
const password = 'correct-horse-battery'
const waitMsMax = 60_000

describeOwnKafka('a broker that gives each service what it needs, and no more', () => {
  let fleet: Fleet
  /** The broker's own user. */
  let admin: Bus
  let listener: string

  beforeAll(async () => {
    const security = await shippedSecurity()
    expect(Object.keys(security)).toContain('authorizer.class.name')
    const users = serviceNames.map((name) => `user_${name}="${password}"`).join(' ')
    const broker = await startKafka({
      listeners: { CLIENTS: 'SASL_PLAINTEXT' },
      extra: {
        ...security,
        'sasl.enabled.mechanisms': 'PLAIN',
        'listener.name.clients.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required ${users};`,
      },
    })
    listener = broker.listeners['CLIENTS']!
    admin = createKafkaBus({ brokers: broker.brokers }, silentLog)
    const folder = await temporaryFolder()
    const adminFile = join(folder, 'admin.yml')
    await writeFile(
      adminFile,
      stringify({
        data: { folder: join(folder, 'admin') },
        bus: { kind: 'kafka', kafka: { brokers: broker.brokers, replicationFactor: 1, minInSync: 1 } },
        hmacKey: { env: 'ADMIN_HMAC_KEY' },
      }),
    )
    const env = { ...process.env, ADMIN_HMAC_KEY: 'a'.repeat(64) }
    await run(process.execPath, ['cli/modelwarden.ts', 'topics', 'create', '--config', adminFile], { cwd: root, env })
    await giveAcls(broker.brokers, serviceNames.flatMap(aclsOf))
    fleet = await startFleet({
      brokers: [listener],
      folder,
      // The first publishes the content.
      processes: ['schedule', ...serviceNames.filter((name) => name !== 'schedule')],
      kafkaOf: (name) => ({ sasl: { mechanism: 'plain', username: name, password: { env: 'KAFKA_PASSWORD' } } }),
      env: { KAFKA_PASSWORD: password },
    })
  }, 180_000)

  afterAll(async () => {
    await (fleet as Fleet | undefined)?.stop()
    await admin.close()
  })

  function call(service: string, method: string, path: string, body: unknown): Promise<Response> {
    return fetch(`${fleet.members.get(service)!.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${fleet.token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  }

  async function untilOn(topic: string, wanted: (record: BusRecord) => boolean): Promise<void> {
    const deadline = Date.now() + waitMsMax
    for (;;) {
      let found = false
      for (let partition = 0; partition < (await admin.partitionCount(topic)); partition++) {
        await admin.read({ topic, partition }, 'start', (batch) => {
          found ||= batch.some(wanted)
        })
      }
      if (found) return
      if (Date.now() > deadline) throw new Error(`nothing of the kind came to ${topic}`)
      await sleep(500)
    }
  }

  const says = (text: string) => (record: BusRecord) => record.value?.includes(text) === true

  it('lets a record through to an incident and its playbook, and a license through to the gateway', async () => {
    const at = new Date().toISOString()
    const record = {
      ...{ type: 'audit', id: 'stop-1', ts: at, tenant: 'acme', principal: 'mallory', source: 'iam' },
      ...{ action: 'StopLogging', outcome: 'success' },
    }
    expect((await call('collect', 'POST', '/v1/events/audit', record)).status).toBe(202)
    await untilOn(topics.signals, says('mallory'))
    await untilOn(topics.incidents, says('mallory'))
    await untilOn(topics.effects, says('mallory'))

    const license = { tenant: 'acme', models: ['m'], form: 'api', tier: 'standard' }
    expect((await call('licensing', 'PUT', '/v1/licenses/acme-api', license)).ok).toBe(true)
    const credential = {
      secret: 'key-of-acme',
      tenant: 'acme',
      principal: 'acme/app',
      licenseId: 'acme-api',
      label: 'a',
    }
    expect((await call('licensing', 'PUT', '/v1/credentials', credential)).ok).toBe(true)
    const deadline = Date.now() + waitMsMax
    let decision = ''
    while (decision !== 'allow') {
      const answer = await call('authorize', 'POST', '/v1/authorize', { credential: 'key-of-acme', model: 'm' })
      decision = ((await answer.json()) as { decision: string }).decision
      if (Date.now() > deadline) throw new Error(`authorize still says ${decision}`)
      await sleep(200)
    }
    await untilOn(topics.schedule, (item) => item.key !== undefined)
    expect((await call('console', 'GET', '/v1/status', undefined)).status).toBe(200)
  }, 180_000)

  it('no service has been refused anything', async () => {
    for (const { name, logFile } of fleet.members.values()) {
      const log = await readFile(logFile, 'utf8')
      expect(
        log.split('\n').filter((line) => /authoriz(ation|ed).*(fail|not)|not authorized|_AUTHORIZATION_/i.test(line)),
        name,
      ).toEqual([])
    }
  })

  it.each([
    ['detect', topics.licenses],
    ['collect', topics.signals],
    ['console', topics.effects],
    ['authorize', topics.content],
  ])('%s can not write to %s', async (username, topic) => {
    const bus = createKafkaBus(
      { brokers: [listener], sasl: { mechanism: 'plain', username, password }, requestTimeoutMs: 5_000 },
      silentLog,
    )
    try {
      await expect(bus.publish([{ topic, key: 'k', value: '{}' }])).rejects.toThrow()
    } finally {
      await bus.close()
    }
    await expect(untilNothing(topic)).resolves.toBe(true)
  })

  /** Whether nothing of what was refused stands there. */
  async function untilNothing(topic: string): Promise<boolean> {
    let found = false
    for (let partition = 0; partition < (await admin.partitionCount(topic)); partition++) {
      await admin.read({ topic, partition }, 'start', (batch) => {
        found ||= batch.some(({ key }) => key === 'k')
      })
    }
    return !found
  }
})
