export type OutgoingEmail = {
  to: string;
  toName?: string;
  subject: string;
  text: string;
  /** Our effect id; travels as the custom argument `effect_id` and comes back in every event. */
  reference: string;
};

/**
 * The one way out for e-mail. `send` throws PermanentError, TransientError (429) or UnknownOutcomeError
 * (timeout, reset, 5xx), as no idempotency key exists.
 */
export interface EmailGateway {
  readonly vendor: 'sendgrid';
  send(email: OutgoingEmail): Promise<{ vendorId: string }>;
  /** Whether the vendor knows a message with this reference (null: it does not). */
  find(query: { to: string; reference: string; since: Date }): Promise<{ vendorId: string } | null>;
}
