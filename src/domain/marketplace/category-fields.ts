export const fieldTypes = [
  'text',
  'number',
  'email',
  'phone',
  'date',
  'boolean',
  'select',
  'state',
  'zip',
  'url',
] as const;
export type FieldType = (typeof fieldTypes)[number];

/** One value of a category's leads. */
export type CategoryField = {
  name: string;
  type: FieldType;
  required: boolean;
  /** Whether it is shown only to the buyer who bought the lead. */
  locked: boolean;
  description: string | null;
  /** The values of a `select`; empty for other types. */
  options: string[];
};
