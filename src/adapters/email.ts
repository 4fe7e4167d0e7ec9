export type OutgoingEmail = {
  to: string;
  toName?: string;
  subject: string;
  text: string;
  /** Effect id; sent as the custom argument `effect_id`, which SendGrid returns in every event. */
  reference: string;
};

/**
 * Sends e-mail. `send` throws PermanentError, TransientError (429) or UnknownOutcomeError (timeout, reset, 5xx),
 * because SendGrid has no idempotency keys.
 */
export interface EmailGateway {
  readonly vendor: 'sendgrid';
  send(email: OutgoingEmail): Promise<{ vendorId: string }>;
  /** Looks up a sent message by its reference. Returns null when the vendor has none. */
  find(query: { to: string; reference: string; since: Date }): Promise<{ vendorId: string } | null>;
}
