import { Refusal } from '../vendor.ts';

/** GoHighLevel's error response: `message` is a list for an invalid body (422), one sentence otherwise. */
export class GhlRefusal extends Refusal {
  readonly messages: string[];
  readonly meta: Record<string, unknown> | null;

  constructor(status: number, messages: string[], meta: Record<string, unknown> | null = null) {
    super(status, status, messages.join(', '));
    this.messages = messages;
    this.meta = meta;
  }
}

export const invalid = (...messages: string[]): GhlRefusal => new GhlRefusal(422, messages);

export const errorNames: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  422: 'Unprocessable Entity',
};
