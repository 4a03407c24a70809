const behaviorLine = /^(?:behavior|anomaly)\s*:/m

/** A cheap look at a rule file: without such a line, no detector has to do with it. */
export function holdsBehaviorRule(text: string): boolean {
  return behaviorLine.test(text)
}
