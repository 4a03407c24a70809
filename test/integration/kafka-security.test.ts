/**
 * TLS and SASL against a real broker's listeners.
 */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { createKafkaBus } from '../../adapters/kafka/bus.ts'
import type { KafkaBusOptions } from '../../adapters/kafka/config.ts'
import type { KafkaBroker } from '../servers/kafka/broker.ts'
import type { KafkaLog } from '../../adapters/kafka/client.ts'
import { describeOwnKafka, startKafka, uniqueName } from '../support/kafka.ts'
import { temporaryFolder } from '../support/tmp.ts'

const run = promisify(execFile)
const password = 'correct-horse'
const wrong = 'battery-staple'

describeOwnKafka('a broker that asks who calls', () => {
  let broker: KafkaBroker
  let ca: string

  beforeAll(async () => {
    const dir = await temporaryFolder('tls')
    const store = join(dir, 'broker.p12')
    const keystore = ['-keystore', store, '-storetype', 'PKCS12', '-storepass', password, '-alias', 'broker']
    await run('keytool', [
      ...['-genkeypair', ...keystore, '-keyalg', 'RSA', '-dname', 'CN=broker.test', '-validity', '2'],
      ...['-ext', 'SAN=dns:broker.test,ip:127.0.0.1'],
    ])
    await run('keytool', ['-exportcert', '-rfc', ...keystore, '-file', join(dir, 'ca.pem')])
    ca = await readFile(join(dir, 'ca.pem'), 'utf8')
    const plain = 'org.apache.kafka.common.security.plain.PlainLoginModule required user_detect="correct-horse";'
    const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required;'
    broker = await startKafka({
      listeners: { CLEAR: 'SASL_PLAINTEXT', SEALED: 'SASL_SSL', TLS: 'SSL' },
      extra: {
        'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
        'listener.name.clear.plain.sasl.jaas.config': plain,
        'listener.name.sealed.plain.sasl.jaas.config': plain,
        'listener.name.clear.scram-sha-256.sasl.jaas.config': scram,
        'listener.name.clear.scram-sha-512.sasl.jaas.config': scram,
        'listener.name.sealed.scram-sha-256.sasl.jaas.config': scram,
        'listener.name.sealed.scram-sha-512.sasl.jaas.config': scram,
        'ssl.keystore.location': store,
        'ssl.keystore.password': password,
        'ssl.keystore.type': 'PKCS12',
      },
    })
    const { own } = inject('kafka')
    if ('missing' in own) throw new Error(own.missing)
    for (const mechanism of ['SCRAM-SHA-256', 'SCRAM-SHA-512']) {
      await run('java', [
        ...['-cp', own.classPath, 'kafka.admin.ConfigCommand', '--bootstrap-server', broker.brokers[0]!, '--alter'],
        ...['--add-config', `${mechanism}=[password=${password}]`],
        ...['--entity-type', 'users', '--entity-name', 'detect'],
      ])
    }
  })
  afterAll(async () => {
    await broker.stop()
  })

  /** Everything that the bus does, once; and every word that it said. */
  async function goThrough(options: Omit<KafkaBusOptions, 'brokers'>, listener: string): Promise<string> {
    const said: string[] = []
    const write = (message: string, fields?: unknown) => void said.push(message, JSON.stringify(fields))
    const log: KafkaLog = { debug: write, info: write, warn: write, error: write }
    const bus = createKafkaBus({ ...options, brokers: [broker.listeners[listener]!], requestTimeoutMs: 5_000 }, log)
    try {
      const topic = uniqueName('secure')
      await bus.createTopics([{ name: topic, partitions: 1, cleanup: 'delete' }])
      await bus.publish([{ topic, value: 'published' }])
      const producer = await bus.fenced(uniqueName('fenced'))
      await producer.commit([{ topic, value: 'committed' }])
      const got: string[] = []
      await bus.consume({
        group: uniqueName('group'),
        topics: [topic],
        handler: {
          assigned: async () => undefined,
          records: async (_at, batch) => void got.push(...batch.map((record) => record.value!.toString())),
          revoked: async () => undefined,
        },
      })
      await expect.poll(() => got, { timeout: 20_000 }).toEqual(['published', 'committed'])
    } finally {
      await bus.close()
    }
    return said.join('\n')
  }

  const sasl = (mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512') =>
    ({ mechanism, username: 'detect', password }) as const

  test('TLS alone: an authority that is named is trusted', async () => {
    await goThrough({ tls: { ca } }, 'TLS')
  })

  test('TLS by another name than the host is checked against that name', async () => {
    await goThrough({ tls: { ca, serverName: 'broker.test' } }, 'TLS')
    await expect(
      goThrough({ tls: { ca, serverName: 'elsewhere.test' }, connectionTimeoutMs: 1_000 }, 'TLS'),
    ).rejects.toThrow(/altnames/)
  })

  test('TLS: an authority that nobody named is not trusted', async () => {
    await expect(goThrough({ tls: {}, connectionTimeoutMs: 1_000 }, 'TLS')).rejects.toThrow(/self-signed/)
  })

  test.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)(
    'SASL %s, in the clear and over TLS',
    async (mechanism) => {
      const said = await goThrough({ sasl: sasl(mechanism) }, 'CLEAR')
      expect(said + (await goThrough({ sasl: sasl(mechanism), tls: { ca } }, 'SEALED'))).not.toContain(password)
    },
  )

  test.each(['plain', 'scram-sha-512'] as const)(
    'SASL %s: a wrong password is refused for good, and not repeated anywhere',
    async (mechanism) => {
      const refused = await goThrough({ sasl: { ...sasl(mechanism), password: wrong } }, 'CLEAR').catch(
        (error: unknown) => error,
      )
      expect(refused).toMatchObject({
        code: 'BUS_REFUSED',
        retryable: false,
        hint: expect.stringContaining('bus.kafka.sasl'),
      })
      expect(JSON.stringify(refused) + String(refused)).not.toContain(wrong)
    },
  )
})
