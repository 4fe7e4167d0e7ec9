import { capital } from '../web/parts.tsx';

/** How a text was understood; the words of domain/messaging/reply.ts. */
const intents: Record<string, string> = {
  accept: 'Understood as "yes"',
  decline: 'Understood as "no"',
  stop: 'Understood as STOP',
  start: 'Understood as START',
  help: 'Understood as HELP',
  unclear: 'Not understood',
  ignored: 'Ignored: a reaction to our own text',
};

export const intentInWords = (intent: string | null): string =>
  intent === null ? 'Not understood' : (intents[intent] ?? capital(intent.replaceAll('_', ' ')));
