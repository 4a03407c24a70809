/** A verdict as people read it. */
import Table from 'cli-table3'
import type { TrialResult } from '../trial.ts'

export function tablesOf({ verdict: { scenarios, honest }, alertsInHistory, fidelity, copies }: TrialResult): string {
  const attacks = tableOf([
    'scenario',
    'runs found',
    'other name',
    'queries to the first alert',
    'copy then',
    'copy at the end',
    'accounts found',
    'wrong names',
  ])
  for (const each of scenarios) {
    const copy = copies.find(({ scenario }) => scenario === each.scenario)
    attacks.push([
      each.scenario,
      `${each.runsFound}/${each.runs}`,
      each.runsMisnamed === 0 ? '' : `${each.runsMisnamed}`,
      each.queriesMedian === undefined ? '' : `${each.queriesMedian} (at most ${each.queriesMost!})`,
      copy?.whenFound?.toFixed(2) ?? '',
      copy?.atEnd?.toFixed(2) ?? '',
      `${each.accountsFound}/${each.accounts}`,
      countsOf(each.wrongNames),
    ])
  }
  const kinds = tableOf(['honest customers', 'alerted', 'known of old', 'as'])
  for (const { kind, accounts, alerted, known, knownAlerted, threats } of honest.kinds) {
    kinds.push([kind, `${alerted}/${accounts}`, known === 0 ? '' : `${knownAlerted}/${known}`, countsOf(threats)])
  }
  const { ordinary } = honest
  const [low, high] = honest.share95
  const lines = [
    `${ordinary.alerted} of ${ordinary.accounts} ordinary customers alerted: ${percent(ordinary.alerted / (ordinary.accounts || 1))} (95 %: ${percent(ordinary.share95[0])} to ${percent(ordinary.share95[1])})`,
    `${honest.alerted} of ${honest.accounts} honest accounts alerted: ${percent(honest.alerted / (honest.accounts || 1))} (95 %: ${percent(low)} to ${percent(high)})`,
    `${honest.alerts} alerts on them in ${honest.events} honest events: ${honest.alertsIn10000Events.toFixed(2)} in 10,000`,
    `${honest.alertsBeforeAttack} alerts on accounts before their attack began; ${honest.alertsOfModelsUnchanged} on models that had not changed; ${alertsInHistory} in history`,
  ]
  if (fidelity.tried > 0) {
    const { told, tried, inside, below, above, widthMean, errorMean } = fidelity
    lines.push(
      `fidelity: ${told} accounts told; ${tried} tried, ${inside} inside the 90 % interval, ${below} less faithful than it says, ` +
        `${above} more; mean width ${widthMean.toFixed(2)}, mean error ${errorMean.toFixed(2)}`,
    )
  }
  return [attacks.toString(), kinds.toString(), ...lines].join('\n')
}

function tableOf(head: string[]): Table.Table {
  return new Table({ head, style: { head: [], border: [] } })
}

function countsOf(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`
}
