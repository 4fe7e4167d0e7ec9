import { Ago } from '../web/parts.tsx';

/** A browser in which the person is signed in. */
export type SessionView = { id: string; at: Date; agent: string; address: string | null; isThis: boolean };

export function Sessions({ sessions, now }: { sessions: readonly SessionView[]; now: Date }) {
  return (
    <section class="panel" aria-labelledby="sessions-title">
      <div class="panel-head">
        <h2 id="sessions-title">Where you are signed in</h2>
      </div>
      <ul class="items">
        {sessions.map(({ id, at, agent, address, isThis }) => (
          <li class="item-row">
            <div>
              <span class="item-title">{agent}</span>
              <span class="sub">
                {address ? `${address}, ` : ''}signed in <Ago at={at} now={now} />
              </span>
            </div>
            {isThis ? (
              <span class="state tone-good">This browser</span>
            ) : (
              <form class="buttons" method="post" action={`/account/sessions/${id}/end`}>
                <button type="submit" class="btn" data-variant="outline" aria-label={`Sign out ${agent}`}>
                  Sign out
                </button>
              </form>
            )}
          </li>
        ))}
      </ul>
      {sessions.length > 1 ? (
        <form class="form" method="post" action="/account/sessions">
          <div class="form-end">
            <button type="submit" class="btn" data-variant="outline">
              Sign out everywhere else
            </button>
          </div>
        </form>
      ) : null}
    </section>
  );
}
