/** Tables of allowed moves: for each state, the states that may follow it. docs/lifecycle.md draws them. */
export type Moves<S extends string> = Readonly<Record<S, readonly S[]>>;

/** The states of a table from which `To` may be reached, as a type: a guard that names another state does not compile. */
export type Before<M, To> = {
  [S in keyof M]: M[S] extends readonly (infer Next)[] ? (To extends Next ? S : never) : never;
}[keyof M];

/** The states that may follow `From`, as a type. */
export type After<M, From extends keyof M> = M[From] extends readonly (infer Next)[] ? Next : never;

const statesOf = <S extends string>(moves: Moves<S>) => Object.keys(moves) as S[];

/** The states from which `to` may be reached, in the order of the table: what a guarded UPDATE asks for. */
export function statesBefore<S extends string>(moves: Moves<S>, to: S): S[] {
  return statesOf(moves).filter((state) => moves[state].includes(to));
}

/** The states that nothing follows. */
export function finalStates<S extends string>(moves: Moves<S>): S[] {
  return statesOf(moves).filter((state) => moves[state].length === 0);
}
