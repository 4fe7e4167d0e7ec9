import { Refusal } from '../vendor.ts';

/** This vendor's "no": `message` is a list of complaints when the body is wrong (422), one sentence otherwise. */
export class GhlRefusal extends Refusal {
  readonly words: string[];
  readonly meta: Record<string, unknown> | null;

  constructor(status: number, words: string[], meta: Record<string, unknown> | null = null) {
    super(status, status, words.join(', '));
    this.words = words;
    this.meta = meta;
  }
}

export const invalid = (...words: string[]): GhlRefusal => new GhlRefusal(422, words);

export const errorNames: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  422: 'Unprocessable Entity',
};
