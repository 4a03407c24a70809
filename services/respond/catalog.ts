/**
 * The catalog: every action that a playbook may name, with what can be known of it without calling anybody.
 *
 * Made from the connectors; used by the compiler, the steps and the cases. Nothing here does I/O.
 */
import type { z } from 'zod'
import type { Connector, ConnectorAction } from '../../core/ports/connector.ts'

export interface ArgumentMistake {
  readonly message: string
  readonly path: readonly (string | number)[]
}

export class CatalogAction {
  readonly connector: string
  readonly name: string
  readonly #action: ConnectorAction

  constructor(connector: string, name: string, action: ConnectorAction) {
    this.connector = connector
    this.name = name
    this.#action = action
  }

  get destructive(): boolean {
    return this.#action.destructive
  }

  get verifiable(): boolean {
    return this.#action.verify !== undefined
  }

  /** Whether and how it can be taken back. */
  get undo(): 'none' | 'call' | 'action' {
    if (this.#action.undoAs !== undefined) return 'action'
    return this.#action.undo === undefined ? 'none' : 'call'
  }

  get port(): ConnectorAction {
    return this.#action
  }

  parse(
    args: unknown,
  ): { readonly ok: true; readonly args: Record<string, unknown> } | { readonly ok: false; readonly message: string } {
    const parsed = this.#action.args.safeParse(args)
    if (parsed.success) return { ok: true, args: parsed.data as Record<string, unknown> }
    return {
      ok: false,
      message: parsed.error.issues
        .map((issue) => spellIssue(issue))
        .slice(0, 5)
        .join('; '),
    }
  }

  /** What is wrong with arguments whose templates are not filled in yet: keys missing or unknown, constants of a wrong form. */
  argumentMistakes(args: Readonly<Record<string, unknown>>): readonly ArgumentMistake[] {
    const parsed = this.#action.args.safeParse(args)
    if (parsed.success) return []
    return parsed.error.issues.flatMap((issue) => relevant(issue, args)).slice(0, 10)
  }
}

/** A complaint about a value that a template will bring is none yet. */
function relevant(issue: z.core.$ZodIssue, args: unknown): ArgumentMistake[] {
  const path = issue.path.filter((step): step is string | number => typeof step !== 'symbol')
  if (issue.code === 'invalid_union') {
    const variants = issue.errors.map((variant) => variant.flatMap((inner) => relevant(inner, args)))
    return variants.some((variant) => variant.length === 0)
      ? []
      : ([...variants].sort((a, b) => a.length - b.length)[0] ?? [])
  }
  if (isTemplated(at(args, path))) return []
  return [{ message: `${spellIssue(issue)}.`, path }]
}

function at(value: unknown, path: readonly (string | number)[]): unknown {
  let here = value
  for (const step of path) {
    if (isTemplated(here) || typeof here !== 'object' || here === null) return here
    here = (here as Record<string | number, unknown>)[step]
  }
  return here
}

function isTemplated(value: unknown): boolean {
  return typeof value === 'string' && value.includes('{{')
}

function spellIssue(issue: z.core.$ZodIssue): string {
  const where = issue.path.length === 0 ? '' : ` at ${issue.path.map(String).join('.')}`
  return `${issue.message}${where}`
}

export class Catalog {
  readonly #actions = new Map<string, CatalogAction>()
  readonly #connectors = new Map<string, Connector>()

  constructor(connectors: readonly Connector[]) {
    for (const connector of connectors) {
      this.#connectors.set(connector.name, connector)
      for (const [name, action] of Object.entries(connector.actions)) {
        this.#actions.set(
          `${connector.name}.${name}`,
          new CatalogAction(connector.name, name, action as ConnectorAction),
        )
      }
    }
  }

  find(connector: string, action: string): CatalogAction | undefined {
    return this.#actions.get(`${connector}.${action}`)
  }

  connector(name: string): Connector | undefined {
    return this.#connectors.get(name)
  }

  names(): readonly string[] {
    return [...this.#actions.keys()]
  }
}
