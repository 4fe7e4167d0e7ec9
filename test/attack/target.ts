/** A tenant of the system under attack. Its buyers are `<slug>0`, `<slug>1`, …, each with a phone of its own. */
export type Tenant = {
  slug: string;
  organizationId: string;
  /** The number of its company. */
  company: number;
  /** A key of the organization with every scope. */
  key: string;
  buyers: number;
};

/** Everything an attack needs, as plain data: attacks run in a process of their own. */
export type Target = {
  url: string;
  backend: 'redis' | 'postgres';
  databaseUrl: string;
  sandboxUrl: string;
  /** The compiled product, for attacks on its start. */
  folder: string;
  /** How long a flood lasts. */
  seconds: number;
  attacker: Tenant & {
    /** May read and write leads, as a supplier of the organization. */
    supplierKey: string;
    /** Id of an operator's key that is bound to the attacker's organization. */
    operatorKeyId: string;
    operatorKey: string;
    /** Path of the page on which the attacker's member sets a password. */
    invitation: string;
    member: string;
  };
  victim: Tenant;
  operator: { email: string; password: string };
};

/** One judged figure of an attack. The attack works when a goal is missed. */
export type Goal = { what: string; value: string; goal: string; ok: boolean };

export type Kind = {
  name: string;
  /** What the attacker does, in one sentence. */
  about: string;
  /** A flood runs on a system of its own, beside a measured victim. The others share one system. */
  flood: boolean;
  attack(target: Target): Promise<Goal[]>;
};

export const phoneOf = (tenant: 'attacker' | 'victim', buyer: number): string =>
  `+1${(tenant === 'attacker' ? 3_055_100_000 : 3_055_200_000) + buyer}`;

export const atMost = (what: string, value: number, limit: number, unit = ''): Goal => ({
  what,
  value: `${rounded(value)}${unit}`,
  goal: `≤ ${limit}${unit}`,
  ok: value <= limit,
});

/** A time; the short form allows `slack` times its goal, because seconds on a shared machine cannot tell more. */
export const inTime = (what: string, value: number, limit: number, unit: string, slack: number): Goal =>
  atMost(what, value, limit * slack, unit);

export const holds = (what: string, ok: boolean, value: string = ok ? 'yes' : 'no'): Goal => ({
  what,
  value,
  goal: 'yes',
  ok,
});

/** A figure without a limit, for the reader. */
export const figure = (what: string, value: string): Goal => ({ what, value, goal: '', ok: true });

const rounded = (value: number): string =>
  Number.isFinite(value) ? String(Math.round(value * 10) / 10) : 'never';
