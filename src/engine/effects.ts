import type { EmailGateway } from '../adapters/email.ts';
import type { Logger } from '../adapters/logger.ts';
import type { SmsGateway } from '../adapters/sms.ts';
import type { Timings } from '../config.ts';
import type { Queryable } from '../db/client.ts';
import type { Vault } from '../db/vault.ts';
import type { Recipient } from '../domain/recipient.ts';
import { type EffectResult, type EffectRun, post } from './posting.ts';

export type SmsRequest = {
  key: string;
  purpose: string;
  organizationId: string | null;
  /** What it is about, as events name it: `unlock:<id>`. */
  subject: string;
  recipient: Recipient;
  phoneId: string;
  to: string;
  body: string;
  /** The one confirmation of an opt-out may go to an opted-out phone. */
  ignoreOptOut?: boolean;
  /** What was paid for is sent whatever the spend cap says. */
  uncapped?: boolean;
};

export type EmailRequest = {
  key: string;
  purpose: string;
  organizationId: string | null;
  subject: string;
  recipient: Recipient;
  to: string;
  title: string;
  text: string;
};

export type KeyedRequest<T> = {
  key: string;
  vendor: string;
  kind: string;
  organizationId: string | null;
  subject: string;
  /** Safe to repeat: the vendor knows this key. */
  call: (key: string) => Promise<{ vendorId: string | null; result: T }>;
};

export type Effects = {
  sms(run: EffectRun, request: SmsRequest): Promise<EffectResult<null>>;
  email(run: EffectRun, request: EmailRequest): Promise<EffectResult<null>>;
  keyed<T>(run: EffectRun, request: KeyedRequest<T>): Promise<EffectResult<T>>;
};

type Deps = {
  db: Queryable;
  vault: Vault;
  sms: SmsGateway;
  email: EmailGateway;
  timings: Timings;
  log: Logger;
  /** Base of the status callback URL, whose last segment is the effect id. */
  statusCallbackBase: string;
};

export function createEffects(deps: Deps): Effects {
  const { sms, email, vault } = deps;
  return {
    sms: (run, r) =>
      post<null>(deps, run, {
        request: {
          key: r.key,
          vendor: sms.vendor,
          kind: 'sms',
          organizationId: r.organizationId,
          subject: r.subject,
          repeatable: false,
          line: { phoneId: r.phoneId, ignoreOptOut: r.ignoreOptOut ?? false, capped: !r.uncapped },
          reveals: r.purpose === 'reveal',
        },
        message: {
          organizationId: r.organizationId,
          subject: r.subject,
          recipient: r.recipient,
          phoneId: r.phoneId,
          channel: 'sms',
          purpose: r.purpose,
          address: vault.seal(r.to),
          body: vault.seal(r.body),
        },
        call: async (id, posted) => {
          const sent = await sms.send({
            to: r.to,
            body: posted ?? r.body,
            reference: id,
            statusCallbackUrl: `${deps.statusCallbackBase}/${id}`,
          });
          return { vendorId: sent.vendorId, result: null };
        },
        find: (effect, posted) =>
          sms.find({
            to: r.to,
            body: posted ?? r.body,
            reference: effect.id,
            since: new Date(effect.claimedAt.getTime() - 60_000),
          }),
      }),
    email: (run, r) =>
      post<null>(deps, run, {
        request: {
          key: r.key,
          vendor: email.vendor,
          kind: 'email',
          organizationId: r.organizationId,
          subject: r.subject,
          repeatable: false,
          line: null,
          reveals: r.purpose === 'reveal',
        },
        message: {
          organizationId: r.organizationId,
          subject: r.subject,
          recipient: r.recipient,
          phoneId: null,
          channel: 'email',
          purpose: r.purpose,
          address: vault.seal(r.to),
          body: vault.seal(`${r.title}\n\n${r.text}`),
        },
        call: async (id) => {
          const sent = await email.send({ to: r.to, subject: r.title, text: r.text, reference: id });
          return { vendorId: sent.vendorId, result: null };
        },
        find: (effect) =>
          email.find({
            to: r.to,
            reference: effect.id,
            since: new Date(effect.claimedAt.getTime() - 60_000),
          }),
      }),
    keyed: (run, r) =>
      post(deps, run, {
        request: {
          key: r.key,
          vendor: r.vendor,
          kind: r.kind,
          organizationId: r.organizationId,
          subject: r.subject,
          repeatable: true,
          line: null,
          reveals: false,
        },
        message: null,
        call: () => r.call(r.key),
      }),
  };
}
