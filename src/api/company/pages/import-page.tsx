import { waitingReason } from '../../../domain/imports/status.ts';
import { Ago, ConfirmForm, duration, When } from '../../web/parts.tsx';
import { fieldLabel } from '../labels.ts';
import type { CompanyView, ImportPageView, ImportView, Visit } from '../view-types.ts';
import { CompanyPage, count, fileSize, home, ImportBadge, Tile, whole } from './frame.tsx';

/** One import: its live progress and the result of its rows. */
export function ImportPage(props: { visit: Visit; company: CompanyView; view: ImportPageView }) {
  const { visit, company, view } = props;
  const { file } = view;
  return (
    <CompanyPage title={file.fileName} visit={visit} company={company} tab="imports" live>
      <div data-live="import">
        <div class="page-head" data-import-status={file.status}>
          <div class="grow">
            <h2 class="file-title">
              <span class="clip">{file.fileName}</span> <ImportBadge file={file} crm={company.crm.state} />
            </h2>
            <p class="sub">
              {fileSize(file.bytes)}, uploaded <Ago at={file.createdAt} now={view.now} />
              {file.startedAt && file.endedAt && file.readToEnd
                ? `, read in ${duration(file.endedAt.getTime() - file.startedAt.getTime())}`
                : ''}
            </p>
          </div>
          <div class="buttons">
            <Actions company={company} file={file} />
          </div>
        </div>
        <StateNote company={company} view={view} />
        <Numbers company={company} view={view} />
        {view.reasons.length > 0 ? <Reasons company={company} view={view} /> : null}
      </div>
    </CompanyPage>
  );
}

function Actions({ company, file }: { company: CompanyView; file: ImportView }) {
  const path = home(company, `/imports/${file.id}`);
  const over = ['done', 'failed', 'cancelled'].includes(file.status);
  const failed = file.sync?.failed ?? 0;
  return (
    <>
      {file.rejected > 0 ? (
        <a class="btn" data-size="sm" data-variant="outline" href={`${path}/rejects.csv`} download>
          Download {count(file.rejected, 'rejected row')}
        </a>
      ) : null}
      {failed > 0 && !file.stopped ? (
        <ConfirmForm
          action={`${path}/retry`}
          label={`Retry ${whole(failed)} failed`}
          question={`${count(failed, 'lead')} that the CRM rejected ${failed === 1 ? 'is' : 'are'} sent once more.`}
          confirm={`Retry ${count(failed, 'lead')}`}
          done="Retrying"
          primary
        />
      ) : null}
      {over && !file.stopped && (file.sync?.pending ?? 0) > 0 ? (
        <Stop path={path} label="Stop sending" file={file} />
      ) : null}
      {file.stopped && (file.sync?.cancelled ?? 0) > 0 ? (
        <ConfirmForm
          action={`${path}/resume`}
          label="Send the rest"
          question={`${count(file.sync!.cancelled, 'lead')} of this file ${file.sync!.cancelled === 1 ? 'was' : 'were'} not sent to the CRM. Those that you uploaded again since are left out.`}
          confirm={`Send up to ${count(file.sync!.cancelled, 'lead')}`}
          done="Sending the rest"
          primary
        />
      ) : null}
      {over ? (
        <a class="btn" data-size="sm" data-variant="outline" href={home(company, '/imports')}>
          Upload another file
        </a>
      ) : (
        <Stop path={path} label="Cancel" file={file} />
      )}
    </>
  );
}

function Stop({ path, label, file }: { path: string; label: string; file: ImportView }) {
  const unread = file.totalRows - file.readRows;
  const waiting = file.sync?.pending ?? 0;
  const parts = [
    !file.readToEnd && unread > 0 ? `${count(unread, 'row')} of the file will not be read.` : '',
    waiting > 0
      ? `${count(waiting, 'lead')} will not be sent to the CRM; you can send them later.`
      : 'Leads that are waiting will not be sent to the CRM.',
    file.sync && file.sync.success > 0 ? `${whole(file.sync.success)} already in the CRM stay there.` : '',
  ];
  return (
    <ConfirmForm
      action={`${path}/cancel`}
      label={label}
      question={parts.filter(Boolean).join(' ')}
      confirm={waiting > 0 ? `Stop ${count(waiting, 'lead')}` : 'Stop this import'}
      done="Stopped"
    />
  );
}

function StoppedSentence({ file }: { file: ImportView }) {
  if (!file.stopped) return <>Reading of this file was canceled; the leads read before are being sent.</>;
  const at = file.stoppedAt ?? file.endedAt;
  return (
    <>
      {file.readToEnd ? 'Sending was stopped' : 'Canceled'}
      {at ? (
        <>
          {' '}
          on <When at={at} />
        </>
      ) : null}
      .
    </>
  );
}

function readingSentence({ created, readRows, totalRows, readToEnd }: ImportView): string {
  if (readToEnd) return 'The whole file was read.';
  if (readRows === 0) return 'Nothing was stored.';
  return `${count(created, 'lead')} imported before that were kept; ${count(Math.max(0, totalRows - readRows), 'row')} of the file ${totalRows - readRows === 1 ? 'was' : 'were'} not read.`;
}

/** What a stop left: how many are kept from the CRM, how many were sent before. */
function sendingSentence({ stopped, sync }: ImportView): string {
  if (!sync || !stopped) return '';
  const { cancelled, success, pending, failed } = sync;
  const parts = [
    `${count(cancelled, 'lead')} ${cancelled === 1 ? 'was' : 'were'} not sent`,
    `${whole(success)} ${success === 1 ? 'is' : 'are'} in the CRM`,
    ...(pending > 0 ? [`${whole(pending)} under way`] : []),
    ...(failed > 0 ? [`${whole(failed)} failed`] : []),
  ];
  return `${parts.join(', ')}.`;
}

/** One sentence about the state of the import and what to do. */
function StateNote({ company, view: { file } }: { company: CompanyView; view: ImportPageView }) {
  const percent = file.fraction === null ? null : Math.floor(file.fraction * 100);
  if (file.status === 'failed')
    return (
      <p class="problem" role="alert">
        {file.problem ?? 'This import failed.'}{' '}
        {file.created > 0
          ? `${count(file.created, 'lead')} imported before that were kept.`
          : 'Nothing was stored.'}
      </p>
    );
  if (file.status === 'running' && file.problem)
    return (
      <p class="problem" role="alert">
        {file.problem}
      </p>
    );
  if (file.status === 'cancelled')
    return (
      <p class="note tone-quiet">
        <StoppedSentence file={file} /> {file.problem ?? ''} {readingSentence(file)} {sendingSentence(file)}
      </p>
    );
  if (file.status === 'waiting') return <p class="note tone-wait">{waitingReason}</p>;
  if (file.status === 'uploading' || file.status === 'running')
    return (
      <div class="bar" data-percent={percent ?? undefined}>
        <progress
          value={percent === null ? undefined : String(percent)}
          max="100"
          aria-label={file.status === 'running' ? 'Rows read' : 'Uploaded'}
        />
        <span>
          {file.status === 'running'
            ? `Reading: ${whole(file.readRows)} of ${count(file.totalRows, 'row')}${percent === null ? '' : `, ${percent}%`}. You can close this page; the import continues.`
            : 'The file is still uploading. An interrupted upload stores nothing.'}
        </span>
      </div>
    );
  if (company.crm.state !== 'connected' && (file.sync?.pending ?? 0) > 0)
    return (
      <p class={`note tone-${company.crm.state === 'paused' ? 'bad' : 'wait'}`}>
        {company.crm.state === 'paused'
          ? `Sending is paused: ${company.crm.reason ?? 'the CRM rejects the credentials of this company'}. None of the waiting leads is lost. `
          : 'The CRM is not connected yet. The leads are sent once it is. '}
        <a href={home(company, '/settings#crm')}>
          {company.crm.state === 'paused' ? 'Reconnect the CRM' : 'Connect the CRM'}
        </a>
      </p>
    );
  return null;
}

function Numbers({ company, view: { file } }: { company: CompanyView; view: ImportPageView }) {
  if (file.status === 'uploading' || (file.status === 'failed' && file.totalRows === 0)) return null;
  const { sync } = file;
  return (
    <>
      <section class="tiles four" aria-label="Rows of the file">
        <Tile label="Rows read" value={file.readRows}>
          {file.readRows === file.totalRows ? 'all rows read' : `of ${whole(file.totalRows)}`}
        </Tile>
        <Tile label="Imported" value={file.created} tone="good">
          new leads
        </Tile>
        <Tile label="Duplicates" value={file.duplicates}>
          same phone, not stored twice
        </Tile>
        <Tile label="Rejected" value={file.rejected} tone={file.rejected > 0 ? 'bad' : undefined}>
          {file.rejected > 0 ? 'fix and upload again' : 'none'}
        </Tile>
      </section>
      {sync && file.created > 0 ? (
        <section class="panel crm-progress" aria-labelledby="crm-title">
          <div class="panel-head">
            <h2 id="crm-title">Sync to the CRM</h2>
            <a class="quiet" href={home(company, `?import=${file.id}`)}>
              Show leads
            </a>
          </div>
          <div class="bar">
            <progress
              class="tone-good"
              value={String(sync.success)}
              max={String(file.created)}
              aria-label="Leads in the CRM"
            />
            <span data-synced={sync.success}>
              <b>{whole(sync.success)}</b> of {whole(file.created)} in the CRM
              {sync.pending > 0
                ? `, ${whole(sync.pending)} ${file.stopped ? 'under way' : company.crm.state === 'paused' ? 'paused' : 'waiting'}`
                : ''}
              {sync.cancelled > 0 ? `, ${whole(sync.cancelled)} not sent` : ''}
              {sync.failed > 0 ? (
                <>
                  ,{' '}
                  <a href={home(company, `?status=failed&import=${file.id}`)}>{whole(sync.failed)} failed</a>
                </>
              ) : null}
            </span>
          </div>
        </section>
      ) : null}
    </>
  );
}

function Reasons({ company, view: { file, reasons } }: { company: CompanyView; view: ImportPageView }) {
  return (
    <section class="panel" aria-labelledby="reasons-title">
      <div class="panel-head">
        <h2 id="reasons-title">Why rows were rejected</h2>
        <a class="quiet" href={home(company, `/imports/${file.id}/rejects.csv`)} download>
          As CSV
        </a>
      </div>
      <table class="rows reasons">
        <thead>
          <tr>
            <th>Field</th>
            <th>Reason</th>
            <th class="number">Rows</th>
          </tr>
        </thead>
        <tbody>
          {reasons.map(({ field, reason, rows }) => (
            <tr>
              <td>{fieldLabel(field)}</td>
              <td>{reason}</td>
              <td class="number">{whole(rows)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {file.rejected > file.rejectsKept ? (
        <p class="sub padded">
          {`${count(file.rejected - file.rejectsKept, 'more row')} ${file.rejected - file.rejectsKept === 1 ? 'was' : 'were'} rejected and not kept; the last line of the CSV counts them by reason.`}
        </p>
      ) : null}
      <p class="sub padded">
        Download the rejected rows, correct them, and upload that file: its columns are recognized, and leads
        that were imported before are not stored twice.
      </p>
    </section>
  );
}
