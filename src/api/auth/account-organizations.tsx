export type OrganizationsView = {
  all: readonly { slug: string; name: string; role: string; isCurrent: boolean }[];
  /** Of the current organization, when the person may decide it: whether members need a second factor. */
  demand: { isOn: boolean; maySwitchOn: boolean } | null;
};

/** The organizations of a person, which one the session acts for, and what its seller asks of the members. */
export function Organizations({ view: { all, demand } }: { view: OrganizationsView }) {
  if (all.length === 0) return null;
  return (
    <section class="panel" aria-labelledby="organizations-title">
      <div class="panel-head">
        <h2 id="organizations-title">{all.length > 1 ? 'Organizations' : 'Organization'}</h2>
      </div>
      <ul class="items">
        {all.map(({ slug, name, role, isCurrent }) => (
          <li class="item-row">
            <div>
              <span class="item-title">{name}</span>
              <span class="sub">{role}</span>
            </div>
            {isCurrent ? (
              <span class="state tone-good">In use</span>
            ) : (
              <form class="buttons" method="post" action="/account/organization">
                <input type="hidden" name="organization" value={slug} />
                <button type="submit" class="btn" data-variant="outline" aria-label={`Use ${name}`}>
                  Use
                </button>
              </form>
            )}
          </li>
        ))}
      </ul>
      {demand ? <Demand isOn={demand.isOn} maySwitchOn={demand.maySwitchOn} /> : null}
    </section>
  );
}

function Demand({ isOn, maySwitchOn }: { isOn: boolean; maySwitchOn: boolean }) {
  return (
    <form class="form" method="post" action="/account/organization/security">
      <input type="hidden" name="requireTwoFactor" value={isOn ? 'false' : 'true'} />
      <p class="sub" id="demand-hint">
        {isOn
          ? 'All members need a second factor to use this organization.'
          : maySwitchOn
            ? 'Members may use this organization without a second factor.'
            : 'Set up a second factor yourself before you ask all members for one.'}
      </p>
      <div class="form-end">
        <button
          type="submit"
          class="btn"
          data-variant="outline"
          disabled={!isOn && !maySwitchOn}
          aria-describedby="demand-hint"
        >
          {isOn ? 'Stop requiring a second factor' : 'Require a second factor of all members'}
        </button>
      </div>
    </form>
  );
}
