/**
 * What correlate can be told, with its defaults and where they come from.
 */
export interface CorrelateOptions {
  /** Signals that share an entity join while the gap between two neighbors in event time is at most this. */
  readonly joinWindowMs: number
  /** An incident spans at most this; what comes later opens the next one. */
  readonly sessionMsMax: number
  /** Risk at which an incident opens. A high signal (73) passes alone; a medium one (47) needs another finding. */
  readonly openAtRisk: number
  /** After this time a contribution counts half. */
  readonly halfLifeMs: number
  /**
   * The k-th signal of one rule about one entity counts k^-p. With p = 1.5 (the weight that Elastic's entity risk score
   * uses, after the Riemann zeta function) endless repeats add up to at most 2.6 times one signal.
   */
  readonly repeatExponent: number
  /** An entity seen with more principals than this joins nothing: an office behind one address is not one incident. */
  readonly sharedPrincipalsMax: number
  /** How long, past settlement, a late signal can still change an incident. */
  readonly lateKeepMs: number
  /** Signals kept of one principal; further ones are counted and flagged. */
  readonly signalsPerPrincipalMax: number
  /** Signals weighed at once when incidents are drawn anew. */
  readonly signalsTogetherMax: number
  /** Incidents remembered by one task; the longest settled or closed are forgotten first. */
  readonly incidentsMax: number
}

const hourMs = 3_600_000

export const correlateDefaults: CorrelateOptions = {
  joinWindowMs: 24 * hourMs,
  sessionMsMax: 7 * 24 * hourMs,
  openAtRisk: 70,
  halfLifeMs: 24 * hourMs,
  repeatExponent: 1.5,
  sharedPrincipalsMax: 5,
  lateKeepMs: 48 * hourMs,
  signalsPerPrincipalMax: 1_000,
  signalsTogetherMax: 5_000,
  incidentsMax: 20_000,
}
