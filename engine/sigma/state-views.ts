/**
 * What can be computed from a group's state, kept as long as the state is in memory.
 *
 * Used by operators. An operator asks several times in a row about one state, so the last answer is at hand.
 */
export class StateViews<State extends object, View> {
  readonly #all = new WeakMap<State, View>()
  #lastState: State | undefined
  #lastView: View | undefined

  get(state: State): View | undefined {
    if (state === this.#lastState) return this.#lastView
    const view = this.#all.get(state)
    this.#lastState = state
    this.#lastView = view
    return view
  }

  set(state: State, view: View): void {
    this.#all.set(state, view)
    this.#lastState = state
    this.#lastView = view
  }

  delete(state: State): void {
    this.#all.delete(state)
    if (state === this.#lastState) this.#lastView = undefined
  }
}
