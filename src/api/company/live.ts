import { fastifySSE } from '@fastify/sse';
import type { FastifyInstance } from 'fastify';
import { companyPulse } from '../../db/crm/processing-log.ts';
import { createHeartbeat, type Heartbeat } from '../http/heartbeat.ts';
import { createStreams, eventStream } from '../http/streams.ts';
import { type CompanySite, companyOf } from './site.ts';

/** Announces that something of the company changed, not what: the page fetches itself with its own session. */
export async function live(app: FastifyInstance, { runtime: { db, log } }: CompanySite): Promise<void> {
  await app.register(fastifySSE, { heartbeatInterval: 15_000 });
  const beats = new Map<string, { heartbeat: Heartbeat; watchers: number }>();
  app.addHook('preClose', async () => {
    for (const { heartbeat } of beats.values()) heartbeat.close();
  });
  const streams = createStreams(app);
  const beatOf = (organizationId: string) => {
    let beat = beats.get(organizationId);
    if (!beat) {
      const pulse = () => companyPulse(db.reader, organizationId);
      beat = { heartbeat: createHeartbeat({ pulse, log }), watchers: 0 };
      beats.set(organizationId, beat);
    }
    return beat;
  };
  const options = { schema: { hide: true }, ...eventStream };
  app.get('/dashboard/:company_id/live', options, async (request, reply) => {
    const { organizationId } = companyOf(request);
    const stream = streams.open(reply, organizationId);
    const beat = beatOf(organizationId);
    beat.watchers += 1;
    const stop = beat.heartbeat.watch(() => stream.send({ event: 'changed', data: 1 }));
    stream.onClose(() => {
      stop();
      beat.watchers -= 1;
      if (beat.watchers === 0) beats.delete(organizationId);
    });
    stream.send({ event: 'hello', data: 1, retry: 2_000 });
  });
}
