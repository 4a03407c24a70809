/**
 * The console: what people ask and decide, over HTTP.
 *
 * Reads come from the search index, decisions go onto the bus, and nothing is kept here: any number of copies may run.
 */
import type { Health, Service, ServiceContext } from '../../runtime/service.ts'
import type { ContentChecks } from '../../runtime/content/content-publisher.ts'
import type { ContentHistory, ContentReader } from '../../runtime/content/content-reader.ts'
import { mountContent } from './content.ts'
import { mountVersions } from './content-versions.ts'
import { mountReplay } from './dead-letters.ts'
import { mountDecisions } from './decisions.ts'
import { mountFacets } from './facets.ts'
import { mountIncident } from './incident.ts'
import { LiveFeed, type LiveLimits } from './live-feed.ts'
import { mountLive } from './live.ts'
import { mountReads } from './reads.ts'
import { mountUsageTotals } from './usage-totals.ts'
import { mountStatus, type StatusSources } from './status.ts'

/** What only the composition root knows; without it the status speaks of the bus, the index and the content alone. */
export type ConsoleOptions = Partial<StatusSources> & {
  readonly live?: Partial<LiveLimits>
  readonly versions?: { readonly content: ContentReader & ContentHistory; readonly checks: ContentChecks }
}

const pingEveryMs = 5_000

export function createConsoleService(context: ServiceContext, options: ConsoleOptions = {}): Service {
  const { index, bus, content, clock, log, telemetry } = context
  if (index === undefined) throw new TypeError('the console needs a search index')
  let health: Health = { state: 'starting', summary: 'looks at the search index' }
  let timer: NodeJS.Timeout | undefined
  const live = new LiveFeed({ bus, clock, log, telemetry }, options.live)
  const look = async (): Promise<void> => {
    try {
      await index.ping()
      health = { state: 'ready', summary: 'answers' }
    } catch {
      health = { state: 'degraded', summary: 'the search index does not answer' }
    }
  }
  return {
    name: 'console',
    routes: (app) => {
      mountReads(app, { index, clock })
      mountFacets(app, { index, clock })
      mountUsageTotals(app, { index, clock })
      mountIncident(app, { index, clock })
      mountContent(app, content)
      mountLive(app, live)
      mountDecisions(app, { bus, index, clock })
      mountReplay(app, { bus, index, clock, log, telemetry })
      if (options.versions !== undefined) mountVersions(app, { bus, ...options.versions, clock })
      mountStatus(
        app,
        { bus, index, content, clock },
        { health: options.health ?? (() => ({})), progress: options.progress ?? (() => []) },
      )
    },
    start: async () => {
      await look()
      timer = setInterval(() => void look(), pingEveryMs)
      timer.unref()
    },
    stop: async () => {
      clearInterval(timer)
      await live.stop()
    },
    health: () => health,
  }
}
