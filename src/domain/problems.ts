/**
 * Every `code` an answer may have, explained for the page that the `type` of a problem leads to. A refusal with a code that
 * is not listed here does not compile. Codes are part of the API and never renamed.
 */
type Explained = { title: string; meaning: string; next: string };

const repeatLater = 'Send the same request again after the time in Retry-After. It is safe to repeat.';

const explained = {
  invalid_input: {
    title: 'The input is not valid',
    meaning: 'One or more fields are missing, of the wrong type or out of range. Nothing was stored.',
    next: 'Correct what `fields` lists by path and message, and send the request again.',
  },
  invalid_json: {
    title: 'The body is not valid JSON',
    meaning: 'The body could not be parsed. Nothing was stored.',
    next: 'Check quotes, commas and the encoding, which must be UTF-8.',
  },
  invalid_form: {
    title: 'The form is not valid',
    meaning: 'A multipart form is malformed, or a field is longer than a short text. Nothing was stored.',
    next: 'Send the fields before the file, and only fields that the documentation names.',
  },
  bad_request: {
    title: 'The request could not be read',
    meaning: 'The HTTP request itself is malformed.',
    next: 'Check the address, the headers and the length of the body.',
  },
  unsupported_content_type: {
    title: 'Unsupported content type',
    meaning: 'This route does not accept a body of that content type.',
    next: 'Send the content type that the documentation of the route names.',
  },
  unsupported_content_encoding: {
    title: 'Compressed bodies are not accepted',
    meaning: 'The body is compressed. Nothing was read.',
    next: 'Send the body without Content-Encoding.',
  },
  payment_declined: {
    title: 'The card was declined',
    meaning: 'The bank declined the charge. Nothing was charged and nothing was added.',
    next: 'Use another card, or ask the bank. `details` is the code of the decline.',
  },
  too_large: {
    title: 'Too large',
    meaning: 'The body or file is larger than this route accepts. Nothing was stored.',
    next: 'Send less in one request, or upload a large file with POST /leads/csv.',
  },
  too_many_values: {
    title: 'Too many values',
    meaning: 'The body has more values or fields than this route accepts. Nothing was stored.',
    next: 'Split it into several requests.',
  },
  too_many_bytes: {
    title: 'Too many large requests at once',
    meaning: 'The bodies that are being received take the memory reserved for them. Nothing was stored.',
    next: 'Send large requests one after another.',
  },
  too_many_at_once: {
    title: 'Too many requests at once',
    meaning: 'More requests of one caller are running than its share allows.',
    next: repeatLater,
  },
  too_many_streams: {
    title: 'Too many live connections',
    meaning: 'More pages follow live updates than are allowed at once.',
    next: 'Close a tab, or try again in a minute.',
  },
  too_many_attempts: {
    title: 'Too many attempts',
    meaning: 'Sign-ins are limited for a while after several that failed.',
    next: 'Wait for the time in Retry-After, then try again.',
  },
  rate_limited: {
    title: 'Too many requests',
    meaning: 'More requests came than the limit allows. RateLimit-* headers say how many are left.',
    next: repeatLater,
  },
  quota_exceeded: {
    title: 'Limit of the organization reached',
    meaning: 'The organization has used one of its limits; the answer names it.',
    next: 'Wait until it is renewed, or ask the operator of this installation to raise it.',
  },
  too_many_keys: {
    title: 'Too many API keys',
    meaning: 'The organization has as many active keys as it may have. None was made.',
    next: 'Revoke a key that is no longer used.',
  },
  too_many_files: {
    title: 'Too many waiting files',
    meaning: 'As many files of the company wait as may wait at once. Nothing was stored.',
    next: 'Start or cancel one of them, then upload the file again.',
  },
  overloaded: {
    title: 'Too many requests at once',
    meaning: 'The server is busy and did not process this request.',
    next: repeatLater,
  },
  unavailable: {
    title: 'Temporarily unavailable',
    meaning: 'The database cannot be used at the moment. Nothing was lost.',
    next: repeatLater,
  },
  vendor_unavailable: {
    title: 'A service is unavailable',
    meaning: 'A service that is needed for the answer, such as Stripe or a CRM, does not respond.',
    next: repeatLater,
  },
  internal_error: {
    title: 'Something went wrong on our side',
    meaning: 'An unexpected error occurred. It was logged under the id in X-Request-Id.',
    next: 'Try again. If it happens again, tell the operator of this installation the request id.',
  },
  cut_off: {
    title: 'The request was interrupted',
    meaning: 'The connection was lost before the body arrived. Nothing was stored.',
    next: 'Send the request again.',
  },
  upload_cut_off: {
    title: 'The upload was interrupted',
    meaning: 'The connection was lost or stopped sending before the file was complete. Nothing was stored.',
    next: 'Upload the file again.',
  },
  key_required: {
    title: 'An API key is required',
    meaning: 'The request has no API key.',
    next: 'Send Authorization: Bearer <key>, or X-API-Key: <key>.',
  },
  key_invalid: {
    title: 'The API key is not valid',
    meaning: 'The key does not exist, was revoked, or was cut when it was copied.',
    next: 'Use a valid key. Keys are made in the company’s settings or on the command line.',
  },
  scope_missing: {
    title: 'The API key lacks a scope',
    meaning: 'The key is valid and may not do this. The answer names the scope.',
    next: 'Use a key with that scope.',
  },
  unauthorized: {
    title: 'Sign in first',
    meaning: 'This page needs a signed-in person.',
    next: 'Sign in and open it again.',
  },
  forbidden: {
    title: 'Not allowed',
    meaning: 'You are signed in, or the key is valid, and may not see or do this.',
    next: 'Use an account or key that may, or ask an operator.',
  },
  registration_closed: {
    title: 'Registration is closed',
    meaning: 'This installation does not let everyone register. Nothing was stored.',
    next: 'Ask your seller for an invite code, or the operator of this installation for an account.',
  },
  second_factor_required: {
    title: 'A second factor is required',
    meaning:
      'The organization asks its members for a second factor, and this session was opened without one.',
    next: 'Set up an authenticator app on your account page, then sign in with it.',
  },
  wrong_origin: {
    title: 'Sent by another site',
    meaning: 'A form was sent from a page that is not of this installation. Nothing was changed.',
    next: 'Open the page here and send the form again.',
  },
  not_found: {
    title: 'Not found',
    meaning: 'There is nothing at this address, or it belongs to another organization.',
    next: 'Check the address and the id.',
  },
  organization_required: {
    title: 'Name the organization',
    meaning: 'The key may act for several organizations, so the request has to name one.',
    next: 'Send X-Organization: <slug>.',
  },
  company_required: {
    title: 'Name the company',
    meaning: 'The caller may act for several companies, so the request has to name one.',
    next: 'Send company_id; in a form, before the file.',
  },
  conflict: {
    title: 'Conflict',
    meaning: 'The state changed since the request was made, or it does not allow this. Nothing was changed.',
    next: 'Read the current state and decide again.',
  },
  idempotency_key_reused: {
    title: 'Idempotency key used before',
    meaning: 'The same Idempotency-Key came with another body. The first request stands.',
    next: 'Use a new key for each new request.',
  },
  lead_id_taken: {
    title: 'The lead id is taken',
    meaning: 'Another lead has this id. Nothing was stored.',
    next: 'Send another lead_id, or none.',
  },
  provider_exists: {
    title: 'The provider exists',
    meaning: 'A provider with this external_id exists already. It was not changed.',
    next: 'Update it instead.',
  },
  email_taken: {
    title: 'The email is taken',
    meaning: 'Another company is registered with this email address. Nothing was stored.',
    next: 'Use another address.',
  },
  location_taken: {
    title: 'The CRM location is taken',
    meaning: 'Another company here uses this location of the CRM. Nothing was stored.',
    next: 'Check the location id.',
  },
  member_of_other_role: {
    title: 'One role in a company',
    meaning: 'The person has another role in this company and was not added.',
    next: 'Use another email address.',
  },
  last_operator: {
    title: 'The last operator',
    meaning: 'The last operator cannot be removed.',
    next: 'Create another operator first.',
  },
  last_seller: {
    title: 'The last seller',
    meaning: 'The last seller of a company cannot be removed.',
    next: 'Add another seller first.',
  },
  operator: {
    title: 'An operator',
    meaning: 'The person is an operator, whose access is not managed by a company.',
    next: 'Manage operators on the command line: leadgate operator.',
  },
  invalid_csv: {
    title: 'The CSV cannot be read',
    meaning: 'The file is not readable as CSV, or a required column is missing. Nothing was stored.',
    next: 'Correct what the answer names, and upload the file again.',
  },
  not_csv: {
    title: 'Not a CSV file',
    meaning: 'The file has another format, such as Excel or PDF. Nothing was stored.',
    next: 'Save it as “CSV UTF-8” and upload that.',
  },
  invalid_mapping: {
    title: 'The mapping is not valid',
    meaning: 'A column is mapped to a field that does not exist, or a needed field has no column.',
    next: 'Correct the mapping and start the import again.',
  },
  same_file: {
    title: 'The same file again',
    meaning: 'This very file was imported before, so the import waits.',
    next: 'Start it with "again": true if it is meant.',
  },
  not_ready: {
    title: 'Not ready yet',
    meaning: 'The file has not been read far enough for this.',
    next: 'Try again in a moment.',
  },
  already_ended: {
    title: 'The import has ended',
    meaning: 'The import was finished, failed or canceled before. Nothing was changed.',
    next: 'Upload the file again to import it again.',
  },
  stopped: {
    title: 'The sending of the file was stopped',
    meaning: 'A person stopped the sending of this file. What was sent before stays in the CRM.',
    next: 'Use “Send the rest” on the page of the import, or its address in the API.',
  },
  nothing_to_send: {
    title: 'Nothing to send',
    meaning: 'The import stored no leads. Nothing was changed.',
    next: 'Nothing needs to be done.',
  },
  encoding_unclear: {
    title: 'The encoding of the file is unclear',
    meaning: 'The letters of the file fit several encodings, which give different words. Nothing was stored.',
    next: 'Name the encoding, or save the file as “CSV UTF-8”, and send it again.',
  },
  nothing_to_refund: {
    title: 'Nothing is left to refund',
    meaning:
      'This refund has not failed, was made again, its amount went back, or a bank claims the payment. Nothing was changed.',
    next: 'Look at the payment at Stripe if you expected something else.',
  },
  cancelled: {
    title: 'The import was canceled',
    meaning: 'A person canceled this import.',
    next: 'Upload the file again to import it.',
  },
  import_failed: {
    title: 'The import failed',
    meaning: 'The file could not be imported; the answer says why.',
    next: 'Correct the file and upload it again.',
  },
  crm_unknown: {
    title: 'Unknown CRM',
    meaning: 'This installation has no CRM of that name.',
    next: 'Use one that the documentation lists.',
  },
  crm_version_unknown: {
    title: 'Unknown API version',
    meaning: 'The CRM has no API of this version.',
    next: 'Use a version that the settings page offers.',
  },
  crm_unavailable: {
    title: 'The CRM is unavailable',
    meaning: 'The CRM could not be asked. Nothing was stored, connected or imported.',
    next: repeatLater,
  },
  crm_field_refused: {
    title: 'The CRM did not create the field',
    meaning: 'A column was to get a new field in the CRM, which the CRM refused. Nothing was imported.',
    next: 'Create the field in the CRM, choose another one, or add the column to the notes.',
  },
  crm_token_refused: {
    title: 'The CRM rejects the token',
    meaning: 'The CRM does not accept this token for this location. It was not stored.',
    next: 'Make a new token in the CRM, for this location and with the scopes that the settings page names.',
  },
  crm_location_missing: {
    title: 'Name the CRM location',
    meaning: 'The location of the CRM is not known.',
    next: 'Send its id.',
  },
  crm_location_taken: {
    title: 'The CRM location is taken',
    meaning: 'Another company here uses this location of the CRM.',
    next: 'Check the location id.',
  },
  crm_location_unproven: {
    title: 'The location cannot be proven',
    meaning: 'Keys of this API do not say which location they are for.',
    next: 'Ask an operator to change the location.',
  },
  crm_other_location: {
    title: 'Another location was chosen',
    meaning: 'On the consent page another location was chosen than the company’s. Nothing was connected.',
    next: 'Connect again and choose the company’s location.',
  },
  crm_consent_denied: {
    title: 'Access was not granted',
    meaning: 'On the CRM’s page access was denied. Nothing was connected.',
    next: 'Connect again from the company’s settings.',
  },
  crm_consent_unknown: {
    title: 'The authorization link has expired',
    meaning: 'The link belongs to another browser, was used before, or is older than ten minutes.',
    next: 'Connect again from the company’s settings.',
  },
  crm_consent_refused: {
    title: 'The CRM rejects its own consent',
    meaning: 'The CRM did not exchange its authorization for tokens. Nothing was connected.',
    next: 'Connect again from the company’s settings.',
  },
  crm_oauth_missing: {
    title: 'No consent page here',
    meaning: 'This installation has no app at the CRM.',
    next: 'Connect with a private token.',
  },
  bad_signature: {
    title: 'The signature is not valid',
    meaning:
      'The webhook was not signed with the configured secret for this body and address. Nothing was stored.',
    next: 'Check the secret and the public address of this installation.',
  },
  try_again: {
    title: 'Send the webhook again',
    meaning: 'The webhook could not be stored at the moment.',
    next: 'The vendor sends it again by itself.',
  },
} satisfies Record<string, Explained>;

export type ProblemCode = keyof typeof explained;

export const problems: Readonly<Record<ProblemCode, Explained>> = explained;
