/** What an attempt tells of an action once something is known of it. */
import type { Action } from '../../core/action.ts'
import type { ConnectorResult, Verification } from '../../core/ports/connector.ts'

export type Changes = Omit<Partial<Action>, 'reason'> & { readonly reason?: string | undefined }

/** `tookMs`: from the order; undefined where that is not known, or nothing was proven. */
export function successOf(
  { arrivedMs }: Action,
  seen: Extract<Verification, { state: 'done' }>,
  result: ConnectorResult | undefined,
  {
    isProven,
    tookMs,
    nowMs,
  }: { readonly isProven: boolean; readonly tookMs: number | undefined; readonly nowMs: number },
): Changes {
  const took = tookMs === undefined ? '' : ` It took ${Math.round(tookMs)} ms from the order.`
  const times =
    tookMs === undefined
      ? {}
      : {
          provenAfterMs: Math.round(tookMs),
          ...(arrivedMs === undefined ? {} : { sinceArrivalMs: Math.round(nowMs - arrivedMs) }),
        }
  return {
    state: isProven ? 'verified' : 'done',
    reason: undefined,
    summary: `${seen.summary}${took}`.slice(0, 500),
    details: { ...result?.details, ...seen.details, ...times },
    ...(result?.before === undefined ? {} : { before: result.before }),
  }
}

export function kept(result: ConnectorResult | undefined): Pick<Action, 'details' | 'before'> {
  return {
    ...(result?.details === undefined ? {} : { details: { ...result.details } }),
    ...(result?.before === undefined ? {} : { before: { ...result.before } }),
  }
}
