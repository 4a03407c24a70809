/**
 * What can be computed from a group's state, kept as long as the state is in memory.
 *
 * Used by operators, each for its own states. A view hangs on its state under a symbol, which JSON does not see: a weak map
 * costs a look into a table for each event, and the garbage collector more.
 */
const view: unique symbol = Symbol('view')

export class StateViews<State extends object, View> {
  get(state: State): View | undefined {
    return (state as { [view]?: View | undefined })[view]
  }

  set(state: State, of: View): void {
    ;(state as { [view]?: View | undefined })[view] = of
  }

  delete(state: State): void {
    ;(state as { [view]?: View | undefined })[view] = undefined
  }
}
