/** The authorizer, with what operators watch: decisions by code, and the time that they took. */
import type { Clock } from '../../core/ports/clock.ts'
import type { Telemetry } from '../../runtime/telemetry.ts'
import type { Answer, Authorizer, Presented } from './authorizer.ts'
import type { Call } from './decide.ts'

export class MeasuredAuthorizer {
  readonly #authorizer: Authorizer
  readonly #telemetry: Telemetry
  readonly #clock: Clock
  constructor(authorizer: Authorizer, context: { readonly telemetry: Telemetry; readonly clock: Clock }) {
    this.#authorizer = authorizer
    this.#telemetry = context.telemetry
    this.#clock = context.clock
  }

  authorize(via: 'api' | 'envoy', presented: Presented, call: Call, tenant: string | undefined): Answer {
    const startedMs = this.#clock.monotonicMs()
    const answer = this.#authorizer.authorize(presented, call, tenant)
    this.#telemetry.count('authorize_decisions', { via, code: answer.code, decision: answer.decision })
    this.#telemetry.observe(
      'authorize_decision_duration_seconds',
      { via },
      (this.#clock.monotonicMs() - startedMs) / 1_000,
    )
    return answer
  }
}
