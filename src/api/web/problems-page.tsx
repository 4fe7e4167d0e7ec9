import type { FastifyPluginAsync } from 'fastify';
import { problems } from '../../domain/problems.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import { sendPage } from '../http/forms.ts';
import { Document, Logo, render } from './layout.tsx';

/** /docs/problems: where the `type` of every problem leads, with an anchor for each code. */
export function problemsRoute({ config }: Pick<Runtime, 'config'>): FastifyPluginAsync {
  return async (app) => {
    app.get('/docs/problems', { schema: { hide: true } }, async (_request, reply) =>
      sendPage(reply, config, await render(ProblemsPage())),
    );
  };
}

function ProblemsPage() {
  return (
    <Document title="Problems" class="console">
      <header class="top">
        <div class="top-inner">
          <Logo />
          <nav aria-label="leadgate">
            <a href="/docs">API documentation</a>
          </nav>
        </div>
      </header>
      <main>
        <section class="panel narrow">
          <div class="panel-head">
            <h1>Problems</h1>
          </div>
          <div class="problems">
            <p>
              An answer that is an error is a problem document (RFC 9457). Its <code>code</code> is stable;
              its <code>type</code> leads to the explanation here.
            </p>
            <dl>
              {Object.entries(problems).map(([code, { title, meaning, next }]) => (
                <div id={code}>
                  <dt>
                    <b>{title}</b> <code>{code}</code>
                  </dt>
                  <dd>
                    {meaning} {next}
                  </dd>
                </div>
              ))}
            </dl>
          </div>
        </section>
      </main>
    </Document>
  );
}
