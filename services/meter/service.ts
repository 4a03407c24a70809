/**
 * The meter: warden.events -> warden.usage, what an invoice is drawn from. One stage, apart from licensing (which may write
 * licenses, and must answer at once) and from detect (whose rules change); see docs/decisions/550-usage-is-metered-apart.md.
 */
import { consumedTopics } from '../../core/consumed-topics.ts'
import { topics } from '../../core/topics.ts'
import type { Service, ServiceContext } from '../../runtime/service.ts'
import { stageService } from '../../runtime/stage/stage-service.ts'
import type { StageSpec } from '../../runtime/stage/stage.ts'
import { MeterLogic, type MeterOptions, type MeterReport } from './logic.ts'

export function meterStage(options: MeterOptions, report: MeterReport): StageSpec {
  return {
    name: 'meter',
    stateVersion: 1,
    inputs: consumedTopics.meter,
    watermark: [`normalize/${topics.audit}`, `normalize/${topics.inference}`],
    tellsWatermarkTo: [],
    ticks: false,
    content: [],
    create: (context) => new MeterLogic(context, options, report),
  }
}

export function createMeterService(context: ServiceContext): Service {
  const { telemetry, config } = context
  const report: MeterReport = {
    open: (partition, meters) => telemetry.gauge('meter_open', { partition: String(partition) }, meters),
    coarse: () => telemetry.count('meter_coarse', {}),
    corrections: (count) => telemetry.count('meter_corrections', {}, count),
  }
  return stageService('meter', context, [meterStage(config.meter, report)])
}
