import { z } from 'zod';
import { type Params, Refusal } from './vendor.ts';

const address = z.strictObject({ email: z.email(), name: z.string().optional() });
const strings = z.record(z.string(), z.string());

const personalization = z.strictObject({
  to: z.array(address).min(1).max(1000),
  cc: z.array(address).optional(),
  bcc: z.array(address).optional(),
  from: address.optional(),
  subject: z.string().optional(),
  headers: strings.optional(),
  substitutions: strings.optional(),
  dynamic_template_data: z.record(z.string(), z.unknown()).optional(),
  custom_args: strings.optional(),
  send_at: z.number().int().optional(),
});

/** The body of POST /v3/mail/send as documented by SendGrid; unknown properties are refused. */
const mailSchema = z.strictObject({
  personalizations: z.array(personalization).min(1).max(1000),
  from: address,
  reply_to: address.optional(),
  reply_to_list: z.array(address).optional(),
  subject: z.string().min(1).optional(),
  content: z.array(z.strictObject({ type: z.string().min(1), value: z.string().min(1) })).default([]),
  attachments: z.array(z.record(z.string(), z.unknown())).optional(),
  template_id: z.string().optional(),
  headers: strings.optional(),
  categories: z.array(z.string()).max(10).optional(),
  custom_args: strings.optional(),
  send_at: z.number().int().optional(),
  batch_id: z.string().optional(),
  asm: z.record(z.string(), z.unknown()).optional(),
  ip_pool_name: z.string().optional(),
  mail_settings: z
    .object({ sandbox_mode: z.object({ enable: z.boolean().optional() }).optional() })
    .loose()
    .optional(),
  tracking_settings: z.record(z.string(), z.unknown()).optional(),
});

export type Mail = z.infer<typeof mailSchema> & { sandboxMode: boolean };

export function parseMail(params: Params): Mail {
  const parsed = mailSchema.safeParse(params);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const extra = issue?.code === 'unrecognized_keys' ? [issue.keys[0] ?? ''] : [];
    const field = [...(issue?.path ?? []), ...extra].join('.');
    const message =
      extra.length > 0 ? `Additional property ${extra[0]} is not allowed` : (issue?.message ?? 'Bad Request');
    throw new Refusal(400, 400, message, field);
  }
  const mail = { ...parsed.data, sandboxMode: parsed.data.mail_settings?.sandbox_mode?.enable === true };
  checkConsistency(mail);
  return mail;
}

function checkConsistency(mail: Mail): void {
  if (mail.template_id === undefined) {
    if (mail.content.length === 0) {
      throw new Refusal(
        400,
        400,
        'Unless a valid template_id is provided, the content parameter is required.',
        'content',
      );
    }
    const missing = mail.personalizations.findIndex((person) => !(person.subject ?? mail.subject));
    if (missing >= 0)
      throw new Refusal(400, 400, 'The subject is required.', `personalizations.${missing}.subject`);
  }
  const plain = mail.content.findIndex((part) => part.type === 'text/plain');
  if (plain > 0) {
    throw new Refusal(400, 400, 'If present, text/plain content must be first.', 'content');
  }
  mail.personalizations.forEach((person, index) => {
    const everyone = [...person.to, ...(person.cc ?? []), ...(person.bcc ?? [])].map(({ email }) =>
      email.toLowerCase(),
    );
    if (new Set(everyone).size < everyone.length) {
      const message =
        'Each email address in the personalization block should be unique between to, cc, and bcc.';
      throw new Refusal(400, 400, message, `personalizations.${index}`);
    }
    if (Buffer.byteLength(JSON.stringify(customArgsOf(mail, index))) > 10_000) {
      throw new Refusal(400, 400, 'The custom_args must not exceed 10000 bytes.', 'custom_args');
    }
  });
}

export function customArgsOf(mail: Mail, index: number): Record<string, string> {
  return { ...mail.custom_args, ...mail.personalizations[index]?.custom_args };
}
