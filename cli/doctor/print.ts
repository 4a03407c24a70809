/** The doctor's report as a person or a program reads it. */
import { print, printJson } from '../output.ts'
import { printTable, type Cell } from '../table.ts'
import type { Report } from './examine.ts'

const stateStyles = { ok: 'green', warn: 'yellow', fail: 'red' } as const

export function printReport(report: Report, json: boolean): void {
  if (json) {
    printJson(report)
    return
  }
  const rows = report.checks.flatMap(({ area, name, state, says, do: todo }): Cell[][] => [
    [area, name, { text: state, style: stateStyles[state] }, says],
    ...(todo === null ? [] : [['', '', '', `→ ${todo}`]]),
  ])
  printTable(['AREA', 'CHECK', 'STATE', ''], rows)
  const count = (wanted: string): number => report.checks.filter(({ state }) => state === wanted).length
  print(`\n${count('fail')} failed, ${count('warn')} to look at, ${count('ok')} well.`)
}
