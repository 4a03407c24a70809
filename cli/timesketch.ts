/**
 * A timeline in the form that Timesketch imports: lines of JSON, each with `message`, `datetime` (ISO 8601 with an offset)
 * and `timestamp_desc`, all else as further attributes (https://timesketch.org/guides/user/import-from-json-csv/).
 *
 * Pure. Promises: every row is a line, or is named among those left out, with the reason.
 */
/** What the API answers: see services/console/timeline.ts. */
export interface TimelineRow {
  readonly at: string
  readonly collectedAt?: string
  readonly kind: string
  readonly id: string
  readonly what: string
  readonly who?: string
  readonly summary: string
  readonly hash?: string
  readonly position?: {
    readonly topic: string
    readonly partition: number
    readonly offset: number
    readonly index: number
  }
  readonly evidenceOf?: readonly string[]
  readonly missing?: boolean
}
export interface Timeline {
  readonly incidentId: string
  readonly tenant: string
  readonly title: string
  readonly rows: readonly TimelineRow[]
  readonly omitted: readonly { readonly code: string; readonly count?: number; readonly message: string }[]
}

type TimesketchLine = Readonly<Record<string, string | boolean>>

export interface TimesketchExport {
  readonly lines: readonly TimesketchLine[]
  readonly leftOut: readonly { readonly id: string; readonly reason: string }[]
}

const described: Readonly<Record<string, string>> = {
  event: 'Event Time',
  signal: 'Finding Time',
  action: 'Action Time',
  decision: 'Decision Time',
  incident: 'Incident Change Time',
}

export function timesketchOf(timeline: Timeline): TimesketchExport {
  const lines: TimesketchLine[] = []
  const leftOut: { id: string; reason: string }[] = []
  for (const row of timeline.rows) {
    const ms = Date.parse(row.at)
    // Timesketch drops such rows without a word.
    if (!Number.isFinite(ms)) leftOut.push({ id: row.id, reason: 'it has no time' })
    else if (row.summary.trim() === '') leftOut.push({ id: row.id, reason: 'it has no message' })
    else lines.push(lineOf(timeline, row, ms))
  }
  return { lines, leftOut }
}

function lineOf({ incidentId, tenant }: Timeline, row: TimelineRow, ms: number): TimesketchLine {
  const { position, hash, who, evidenceOf, collectedAt } = row
  return {
    message: row.summary,
    datetime: new Date(ms).toISOString().replace('Z', '+00:00'),
    timestamp_desc: described[row.kind] ?? 'Event Time',
    incident_id: incidentId,
    tenant,
    kind: row.kind,
    what: row.what,
    record_id: row.id,
    ...(who === undefined ? {} : { who }),
    ...(collectedAt === undefined ? {} : { collected: collectedAt }),
    ...(hash === undefined ? {} : { sha256: hash }),
    ...(position === undefined
      ? {}
      : { position: `${position.topic}/${position.partition}@${position.offset}.${position.index}` }),
    ...(evidenceOf === undefined ? {} : { evidence_of: evidenceOf.join(' ') }),
    ...(row.missing === true ? { missing: true } : {}),
  }
}
