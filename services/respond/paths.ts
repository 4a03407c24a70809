/**
 * What a playbook's templates and conditions may speak of: a closed list of paths.
 *
 * Pure. Nothing else of an incident can be reached, and no path leads into an object's prototype: a path is looked up in
 * the list below, never walked.
 */
import { entityTypes, levels } from '../../core/signal.ts'
import { entitiesOf, type EntityType, type IncidentBrief } from './incident-brief.ts'

export interface Scope {
  readonly incident: IncidentBrief
  readonly subject: { readonly type: string; readonly id: string } | undefined
  readonly playbook: { readonly id: string; readonly title: string }
  /** How a step of this run stands. */
  step(id: string): StepView
}

export interface StepView {
  /** `verified`, `done`, `dry-run`, `refused`, `failed`, `undone`, `skipped`, `waiting`, `not-reached`. */
  readonly state: string
  readonly summary: string
}

export type PathValue = string | number | boolean | readonly string[]

const plural: Readonly<Record<EntityType, string>> = {
  principal: 'principals',
  user: 'users',
  credential: 'credentials',
  session: 'sessions',
  address: 'addresses',
  asset: 'assets',
  model: 'models',
  account: 'accounts',
}

const incidentPaths = new Map<string, (incident: IncidentBrief) => PathValue>([
  ['id', ({ id }) => id],
  ['tenant', ({ tenant }) => tenant],
  ['status', ({ status }) => status],
  ['settled', ({ settled }) => settled],
  ['severity', ({ severity }) => severity],
  ['risk', ({ risk }) => risk],
  ['title', ({ title }) => title],
  ['summary', ({ summary }) => summary],
  ['firstSeen', ({ firstSeen }) => firstSeen],
  ['lastSeen', ({ lastSeen }) => lastSeen],
  ['openedAt', ({ openedAt }) => openedAt],
  ['signalCount', ({ signalCount }) => signalCount],
  ['primary.type', ({ primary }) => primary.type],
  ['primary.id', ({ primary }) => primary.id],
  ['techniques', ({ techniques }) => techniques],
  ['rules', ({ rules }) => rules],
  ...entityTypes.map((type): [string, (incident: IncidentBrief) => PathValue] => [
    plural[type],
    (incident) => entitiesOf(incident, type),
  ]),
])

const stepPath = /^steps\.([a-z0-9][a-z0-9-]{0,63})\.(state|summary)$/

/** Why a path may not stand in a playbook; undefined where it may. */
export function pathMistake(path: string, stepIds: ReadonlySet<string>, hasSubject: boolean): string | undefined {
  if (path.startsWith('incident.') && incidentPaths.has(path.slice('incident.'.length))) return undefined
  if (path === 'playbook.id' || path === 'playbook.title') return undefined
  if (path === 'subject.id' || path === 'subject.type') return hasSubject ? undefined : `${path} needs trigger.for_each`
  const step = stepPath.exec(path)?.[1]
  if (step !== undefined) return stepIds.has(step) ? undefined : `there is no step "${step}" before this one`
  return `"${path.slice(0, 80)}" is not a known path; known are incident.{${[...incidentPaths.keys()].join(', ')}}, subject.{type, id}, playbook.{id, title}, steps.<id>.{state, summary}`
}

export function lookUp(scope: Scope, path: string): PathValue {
  if (path.startsWith('incident.')) return incidentPaths.get(path.slice('incident.'.length))?.(scope.incident) ?? ''
  if (path === 'subject.id') return scope.subject?.id ?? ''
  if (path === 'subject.type') return scope.subject?.type ?? ''
  if (path === 'playbook.id') return scope.playbook.id
  if (path === 'playbook.title') return scope.playbook.title
  const [, id = '', field] = stepPath.exec(path) ?? []
  const step = scope.step(id)
  return field === 'state' ? step.state : step.summary
}

/** Levels compare by their rank; anything else as it is. */
export function comparable(value: unknown): unknown {
  const rank = levels.indexOf(value as (typeof levels)[number])
  return rank < 0 ? value : rank
}
