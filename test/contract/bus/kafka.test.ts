import { createKafkaBus } from '../../../adapters/kafka/bus.ts'
import { silentLog } from '../../../runtime/log.ts'
import { describeKafka } from '../../support/kafka.ts'
import { hostileProducerContract } from './hostile-producer.ts'
import { busContract } from './suite.ts'

describeKafka('Kafka', ({ brokers }) => {
  const open = async () => {
    const bus = createKafkaBus({ brokers }, silentLog)
    return { bus, close: () => bus.close() }
  }
  busContract('the Kafka bus', open)
  hostileProducerContract('the Kafka bus', open)
})
