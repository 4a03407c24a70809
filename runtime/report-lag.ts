/** How far a consumer is behind the ends of its logs, told to telemetry: for stages and sinks alike. */
import { describeError } from '../core/errors.ts'
import type { ServiceContext } from './service.ts'

/** Between two reports. */
export const lagEveryMs = 5_000

/** Up to where a partition has been taken. */
export interface Taken {
  readonly nextOffset: number
  /** When the bus appended the last record that was taken; undefined where none was. */
  readonly positionMs: number | undefined
}

/** `takenOf`: undefined where the partition is another's. A bus that does not answer now is asked again next time. */
export async function reportLag(
  name: string,
  inputs: readonly string[],
  { bus, telemetry, log }: Pick<ServiceContext, 'bus' | 'telemetry' | 'log'>,
  takenOf: (topic: string, partition: number) => Taken | undefined,
): Promise<void> {
  try {
    for (const topic of inputs) {
      for (const { partition, high } of await bus.offsets(topic)) {
        const taken = takenOf(topic, partition)
        if (taken === undefined) continue
        telemetry.lag(name, topic, partition, Math.max(0, high - taken.nextOffset))
        if (taken.positionMs !== undefined) telemetry.position(name, topic, partition, taken.positionMs)
      }
    }
  } catch (error) {
    log.debug('lag could not be measured', { error: describeError(error) })
  }
}
