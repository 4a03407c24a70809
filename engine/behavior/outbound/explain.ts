/** Says in words why a transfer is a finding, with the numbers. */
import { formatBytes } from '../units.ts'
import type { Moved } from './params.ts'
import type { Sent } from './state.ts'
import type { OutboundVerdict } from './verdict.ts'

const wayOut = { in: 'read', network: 'sent', code: 'pushed', copy: 'copied' } as const

export function explainOutbound(
  moved: Moved,
  verdict: OutboundVerdict,
  sent: Sent,
  total: number,
): { explanation: string; facts: Record<string, string | number | boolean> } {
  const days = Object.keys(sent.days).length
  const place = verdict.familiar ? 'which others use too' : 'which hardly anybody else uses'
  const line =
    verdict.why === 'new-store'
      ? 'Nobody of the tenant had ever copied anything there'
      : `The line is ${formatBytes(verdict.line)}${verdict.why === 'pieces' ? ' on each of these days, on which it took pieces of models that were new to it' : ''} (a day to one place is usually ${formatBytes(verdict.usual)})`
  const span = verdict.why === 'drip' || verdict.why === 'pieces' ? `over ${verdict.days ?? days} days` : 'within a day'
  const gathered =
    verdict.gathered > 0 ? ` It had read ${formatBytes(verdict.gathered)} of models, data and code before.` : ''
  const all = total > verdict.bytes ? ` Altogether ${formatBytes(total)} went there on ${days} days.` : ''
  return {
    explanation: `${moved.principal} ${wayOut[moved.channel]} ${formatBytes(verdict.bytes)} ${span} to ${moved.place}, ${place}. ${line}.${gathered}${all}`,
    facts: {
      why: verdict.why,
      place: moved.place,
      bytes: verdict.bytes,
      lineBytes: Math.round(verdict.line),
      usualBytes: Math.round(verdict.usual),
      gatheredBytes: verdict.gathered,
      totalBytes: total,
      days,
      familiarPlace: verdict.familiar,
    },
  }
}
