import { createKafkaBus } from '../../../adapters/kafka/bus.ts'
import { silentLog } from '../../../runtime/log.ts'
import { describeKafka } from '../../support/kafka.ts'
import { busContract } from './suite.ts'

describeKafka('Kafka', ({ brokers }) => {
  busContract('the Kafka bus', async () => {
    const bus = createKafkaBus({ brokers }, silentLog)
    return { bus, close: () => bus.close() }
  })
})
