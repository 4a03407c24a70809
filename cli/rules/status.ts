/** `modelwarden rules status`: how far each rule has been evaluated, and what it did. */
import type { RuleStatusAnswer } from '../../services/detect/status-route.ts'
import { connect } from '../client.ts'
import { print, printJson } from '../output.ts'
import type { ClientOptions } from '../options.ts'
import { printTable, type Cell } from '../table.ts'

export async function showRuleStatus(options: ClientOptions): Promise<void> {
  const answer = await connect(options).get<RuleStatusAnswer>('/v1/rules/status')
  if (options.json) {
    printJson(answer)
    return
  }
  const rows = answer.rules.map(({ title, kind, matched, suppressed, signals, costUs, through }): readonly Cell[] => [
    title,
    kind,
    kind === 'sigma' ? matched : '',
    suppressed,
    signals,
    costUs === null ? '' : `${costUs} µs`,
    through ?? 'not yet',
  ])
  printTable(['RULE', 'KIND', 'MATCHED', 'SUPPRESSED', 'SIGNALS', 'COST', 'EVALUATED THROUGH'], rows)
  print()
  const parts = answer.partitions.map(({ stage, partition, nextOffset, eventTime, toldAt }): readonly Cell[] => [
    stage,
    partition,
    nextOffset ?? '',
    eventTime ?? 'not yet',
    toldAt ?? 'never',
  ])
  printTable(['STEP', 'PARTITION', 'NEXT OFFSET', 'EVENT TIME', 'TOLD AT'], parts)
  const since = answer.since === null ? '' : ` Counts are since ${answer.since}, over all processes.`
  print(`\nRules in force: ${answer.digest ?? 'none'}.${since}`)
}
