/** Files dropped and sent, mappings checked as they are chosen, keys shown once. Everything works without it. */

// --- A file on its way: dropped or chosen, sent with its progress shown. ---

const upload = document.querySelector('form[data-upload]');
const picker = upload?.querySelector('input[type="file"]');
const drop = upload?.querySelector('[data-drop]');
const progress = upload?.querySelector('[data-progress]');
let sending = null;

if (upload) {
  idle();
  for (const kind of ['dragenter', 'dragover'])
    document.addEventListener(kind, (event) => {
      if (!event.dataTransfer?.types.includes('Files')) return;
      event.preventDefault();
      drop.classList.add('is-over');
    });
  document.addEventListener('dragleave', (event) => {
    if (!event.relatedTarget) drop.classList.remove('is-over');
  });
  document.addEventListener('drop', (event) => {
    if (!event.dataTransfer?.files.length) return;
    event.preventDefault();
    drop.classList.remove('is-over');
    if (sending) return;
    picker.files = event.dataTransfer.files;
    chosen();
  });
  picker.addEventListener('change', chosen);
  upload.addEventListener('submit', (event) => {
    event.preventDefault();
    if (!sending && picker.files.length > 0) send(picker.files[0]);
  });
  upload.querySelector('[data-stop]').addEventListener('click', () => sending?.abort());
  // A page that comes back from the browser's memory shows the file chosen before.
  addEventListener('pageshow', () => {
    if (picker.files.length === 0) idle();
  });
}

function chosen() {
  const [file] = picker.files;
  if (!file) return idle();
  problem('');
  const most = Number(upload.dataset.most);
  if (file.size > most) {
    problem(
      `${file.name} is ${size(file.size)}: larger than the ${size(most)} this installation takes. Split it, and upload the parts.`,
    );
    picker.value = '';
    return;
  }
  if (file.size === 0) {
    problem(`${file.name} is empty.`);
    picker.value = '';
    return;
  }
  send(file);
}

function send(file) {
  const request = new XMLHttpRequest();
  sending = request;
  upload.dataset.state = 'sending';
  upload.querySelector('[data-file-name]').textContent = file.name;
  show(0, file.size);
  const form = new FormData();
  form.append('file', file);
  request.upload.addEventListener('progress', (event) => show(event.loaded, event.total));
  request.upload.addEventListener('load', () => {
    progress.querySelector('[data-progress-text]').textContent = 'Sent. Looking at it…';
    progress.querySelector('progress').removeAttribute('value');
  });
  const ended = (text) => () => {
    sending = null;
    picker.value = '';
    idle();
    problem(text);
  };
  request.addEventListener('abort', ended('Stopped. Nothing of the file was kept.'));
  request.addEventListener(
    'error',
    ended('The connection broke off. Nothing of the file was kept: choose it again.'),
  );
  request.addEventListener('load', () => {
    const answer = json(request.responseText);
    if (request.status === 401) location.reload();
    else if (request.status < 300 && answer.location) location.assign(answer.location);
    else ended(answer.detail ?? 'That did not work. Reload the page and try again.')();
  });
  request.open('POST', upload.action);
  request.setRequestHeader('accept', 'application/json');
  request.send(form);
}

function show(loaded, total) {
  const bar = progress.querySelector('progress');
  bar.max = total;
  bar.value = loaded;
  const percent = total > 0 ? Math.floor((100 * loaded) / total) : 0;
  progress.querySelector('[data-progress-text]').textContent =
    `${size(loaded)} of ${size(total)} sent, ${percent} %`;
}

/** Choosing is sending: no button is needed. */
function idle() {
  upload.dataset.state = 'idle';
}

function problem(text) {
  const line = upload.querySelector('[data-problem]');
  line.textContent = text;
  line.hidden = text === '';
}

function json(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

function size(bytes) {
  const megabytes = bytes / 1_048_576;
  return megabytes < 1
    ? `${Math.max(1, Math.round(bytes / 1_024))} KB`
    : `${megabytes.toFixed(megabytes < 10 ? 1 : 0)} MB`;
}

// --- A mapping: checked by the server as soon as a column is changed. ---

const mapping = document.querySelector('form[data-mapping]');
let asked = 0;

mapping?.addEventListener('change', async (event) => {
  // Read otherwise the file may have other columns: the whole page is another.
  if (event.target.matches('[data-rereads]')) {
    mapping.action = mapping.dataset.mapping;
    return mapping.submit();
  }
  asked += 1;
  const mine = asked;
  mapping.setAttribute('aria-busy', 'true');
  const answer = await fetch(mapping.dataset.mapping, {
    method: 'POST',
    headers: { accept: 'text/html' },
    body: new URLSearchParams(new FormData(mapping)),
    redirect: 'manual',
  }).catch(() => null);
  // Another change was made meanwhile: its answer is the one that counts.
  if (mine !== asked) return;
  mapping.removeAttribute('aria-busy');
  if (!answer?.ok) return;
  const next = new DOMParser().parseFromString(await answer.text(), 'text/html');
  for (const region of document.querySelectorAll('[data-checked]')) {
    const fresh = next.querySelector(`[data-checked="${region.dataset.checked}"]`);
    if (fresh) region.replaceChildren(...document.importNode(fresh, true).childNodes);
  }
});
