/**
 * The same broker from a container, where a Docker engine answers.
 *
 * Serves the run's shared broker only: tests that crash a broker need the process that broker.ts gives them.
 */
import { GenericContainer, getContainerRuntimeClient, Wait } from 'testcontainers'
import { freePorts } from '../free-ports.ts'

const image = 'apache/kafka:4.1.1'
const startMsMax = 5 * 60_000

export interface KafkaContainer {
  readonly brokers: string[]
  stop(): Promise<void>
}

/** `undefined` when a Docker engine answers, else why none does. */
export async function dockerMissing(): Promise<string | undefined> {
  try {
    await getContainerRuntimeClient()
    return undefined
  } catch (error) {
    return `no Docker engine answers (${(error as Error).message.split('\n')[0] ?? ''})`
  }
}

export async function startKafkaContainer(): Promise<KafkaContainer> {
  // The broker tells clients where it is, so the port outside must be known before it starts.
  const port = (await freePorts(1))[0]!
  const container = await new GenericContainer(image)
    .withExposedPorts({ container: 9092, host: port })
    .withEnvironment({
      KAFKA_PROCESS_ROLES: 'broker,controller',
      KAFKA_NODE_ID: '1',
      KAFKA_CONTROLLER_QUORUM_VOTERS: '1@localhost:9093',
      KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
      KAFKA_LISTENERS: 'PLAINTEXT://:9092,CONTROLLER://:9093',
      KAFKA_ADVERTISED_LISTENERS: `PLAINTEXT://127.0.0.1:${port}`,
      KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
      KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
      KAFKA_NUM_PARTITIONS: '4',
      KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
      KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS: '4',
      KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
      KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS: '4',
      KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
      KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1',
    })
    .withWaitStrategy(Wait.forLogMessage(/Kafka Server started/))
    .withStartupTimeout(startMsMax)
    .start()
  return {
    brokers: [`127.0.0.1:${port}`],
    stop: async () => {
      await container.stop()
    },
  }
}
