import { Field, type FormState, Problem } from '../../web/form-parts.tsx';
import { Command, ConfirmForm } from '../../web/parts.tsx';
import type { shownSettings } from '../sellers.ts';
import { MarketPage, type MarketVisit } from './frame.tsx';

type Props = {
  visit: MarketVisit;
  settings: ReturnType<typeof shownSettings>;
  invite: { code: string; url: string };
  form: FormState;
};

export function SettingsPage({ visit, settings, invite, form }: Props) {
  const { branding } = settings;
  return (
    <MarketPage title="Settings" at="settings" visit={visit}>
      <section class="panel form-panel" aria-labelledby="invite-title">
        <div class="panel-head">
          <h2 id="invite-title">Invite code</h2>
        </div>
        <div class="form">
          <p>Buyers register with this code, or by the address that contains it.</p>
          <Command id="invite-code" text={invite.code} />
          <Command id="invite-url" text={invite.url} />
          <ConfirmForm
            action="/market/settings/invite-code"
            label="New code"
            question="The present code is refused from then on. Buyers who have registered keep their access."
            confirm="Replace the code"
          />
        </div>
      </section>
      <section class="panel form-panel" aria-labelledby="settings-title">
        <div class="panel-head">
          <h2 id="settings-title">Settings</h2>
        </div>
        <form class="form" method="post" action="/market/settings">
          <Problem form={form} />
          <div class="pair">
            <Field
              name="smsMarkup"
              label="Markup of texts in percent"
              form={form}
              value={String(settings.smsMarkup)}
            />
            <Field
              name="emailMarkup"
              label="Markup of e-mails in percent"
              form={form}
              value={String(settings.emailMarkup)}
            />
          </div>
          <div class="pair">
            <Field
              name="timeZone"
              label="Time zone"
              form={form}
              max={100}
              value={settings.timeZone}
              hint="An IANA name, such as America/Chicago. Days of caps begin by it."
            />
            <Field
              name="senderName"
              label="Sender of e-mails"
              form={form}
              max={200}
              optional
              value={branding.senderName ?? ''}
            />
          </div>
          <div class="pair">
            <Field
              name="logoUrl"
              label="Address of the logo"
              type="url"
              form={form}
              max={500}
              optional
              value={branding.logoUrl ?? ''}
              placeholder="https://"
            />
            <Field
              name="primaryColor"
              label="Color"
              form={form}
              max={7}
              optional
              value={branding.primaryColor ?? ''}
              placeholder="#0a7cff"
            />
          </div>
          <Field
            name="footer"
            label="Last paragraph of e-mails"
            form={form}
            rows={3}
            max={2_000}
            optional
            value={branding.footer ?? ''}
          />
          <p class="sub">The platform’s fee is {settings.platformFeePercent} percent of each sale.</p>
          <div class="form-end">
            <button type="submit" class="btn">
              Save
            </button>
          </div>
        </form>
      </section>
    </MarketPage>
  );
}
