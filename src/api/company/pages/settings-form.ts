import {
  type CompanyView,
  type FormState,
  type KeyView,
  type MemberView,
  untouched,
  type Visit,
} from '../view-types.ts';

export type SettingsView = {
  keys: KeyView[];
  members: MemberView[];
  publicUrl: string;
  /** OAuth is set up in this installation. */
  oauth: boolean;
  /** Of the last form that was sent: which, and its answers. */
  sent?: { section: 'crm' | 'leads' | 'mapping' | 'keys' | 'members'; form: FormState } | undefined;
  /** Shown in this answer and never again. */
  newKey?: { name: string; key: string } | undefined;
  newLink?: { name: string; link: string; hours: number } | undefined;
  saved?: string | undefined;
  regions: readonly (readonly [code: string, name: string])[];
  now: Date;
};

export type SettingsProps = { visit: Visit; company: CompanyView; view: SettingsView };

/** Of this section what was sent, if it was this one. */
export const formOf = (
  view: SettingsView,
  section: NonNullable<SettingsView['sent']>['section'],
): FormState => (view.sent?.section === section ? view.sent.form : untouched);
