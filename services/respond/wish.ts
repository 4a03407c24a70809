/** A playbook's wish for an action, as the entry that the desk keeps of it. Pure. */
import type { Action } from '../../core/action.ts'
import type { ActionEntry, RunEntry } from './book.ts'
import type { Catalog } from './catalog.ts'
import { digestOf } from './ids.ts'
import type { IncidentBrief } from './incident-brief.ts'
import type { Playbook, StepAction } from './playbook.ts'

export interface Wish {
  readonly run: RunEntry
  readonly playbook: Playbook
  readonly incident: IncidentBrief
  readonly step: StepAction
  readonly args: unknown
}

/** The entry, not put down yet (version 0), and why it can't be carried out, if it can't. */
export interface WishedEntry {
  readonly entry: ActionEntry
  readonly objection?: { readonly reason: 'NO_SUCH_ACTION' | 'ARGUMENTS_INVALID'; readonly summary: string }
}

/** `id`: the action's. `at`: the moment of the wish, ISO 8601. What can't be looked up counts as destructive. */
export function entryOf(id: string, wish: Wish, catalog: Catalog, at: string): WishedEntry {
  const { run, incident, step } = wish
  const found = catalog.find(step.connector, step.action)
  const parsed = found?.parse(wish.args)
  const isGood = found !== undefined && parsed?.ok === true
  const args = isGood ? parsed.args : {}
  const action: Action = {
    id,
    version: 0,
    tenant: incident.tenant,
    incidentId: run.incidentId,
    runId: run.id,
    playbook: run.playbook,
    step: step.id,
    connector: step.connector,
    action: step.action,
    target: isGood ? found.port.target(args) : step.connector,
    args,
    digest: digestOf(step.connector, step.action, args),
    destructive: found?.destructive ?? true,
    state: 'asked',
    attempt: 0,
    possiblyRepeated: false,
    at,
    summary: 'Asked for.',
    evidence: incident.evidence,
    arrivedMs: run.arrivedMs,
  }
  const entry: ActionEntry = {
    action,
    what: isGood ? found.port.describe(args).slice(0, 400) : `${step.connector}.${step.action}`,
    verify: (step.verify ?? action.destructive) && (found?.verifiable ?? false),
    attemptsMax: step.attemptsMax,
    message: 'notice' in args,
    undoable: found !== undefined && found.undo !== 'none',
  }
  if (found === undefined) {
    const summary = `No connector has the action ${step.connector}.${step.action}.`
    return { entry, objection: { reason: 'NO_SUCH_ACTION', summary } }
  }
  if (parsed?.ok === false) {
    const summary = `Its arguments make no sense: ${parsed.message}`.slice(0, 500)
    return { entry, objection: { reason: 'ARGUMENTS_INVALID', summary } }
  }
  return { entry }
}
