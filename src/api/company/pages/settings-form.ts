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
  /** The CRM's fields. Null: it is not connected or does not answer. */
  crmFields: readonly { id: string; key: string; name: string }[] | null;
  publicUrl: string;
  /** The form that was submitted and rejected. */
  sent?: { section: 'crm' | 'leads' | 'mapping' | 'keys' | 'members'; form: FormState } | undefined;
  /** Shown in this response and never again. */
  newKey?: { name: string; key: string } | undefined;
  newLink?: { name: string; link: string; hours: number } | undefined;
  saved?: string | undefined;
  regions: readonly (readonly [code: string, name: string])[];
  now: Date;
};

export type SettingsProps = { visit: Visit; company: CompanyView; view: SettingsView };

/** The submitted values of a section; untouched when another section was submitted. */
export const formOf = (
  view: SettingsView,
  section: NonNullable<SettingsView['sent']>['section'],
): FormState => (view.sent?.section === section ? view.sent.form : untouched);
