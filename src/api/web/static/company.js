/** Drag and drop, upload progress, and checking a mapping while it is edited. All pages work without this script. */

// --- Upload: a file is dropped or chosen, and sent with a progress bar. ---

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
  // A page restored from the back/forward cache still has the chosen file.
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
      `${file.name} is ${size(file.size)}: larger than the ${size(most)} limit of this installation. Split it and upload the parts.`,
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
    progress.querySelector('[data-progress-text]').textContent = 'Uploaded. Checking the file…';
    progress.querySelector('progress').removeAttribute('value');
  });
  const ended = (text) => () => {
    sending = null;
    picker.value = '';
    idle();
    problem(text);
  };
  request.addEventListener('abort', ended('Stopped. The file was not stored.'));
  request.addEventListener(
    'error',
    ended('The connection was lost. The file was not stored; choose it again.'),
  );
  request.addEventListener('load', () => {
    const answer = json(request.responseText);
    if (request.status === 401) location.reload();
    else if (request.status < 300 && answer.location) location.assign(answer.location);
    else ended(answer.detail ?? 'Something went wrong. Reload the page and try again.')();
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
    `${size(loaded)} of ${size(total)} sent, ${percent}%`;
}

/** A chosen file is sent at once, so the form shows no button. */
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

// --- Mapping: the server checks it after every change. ---

const mapping = document.querySelector('form[data-mapping]');
let asked = 0;
let waiting = null;
/** Arrow keys pass several options quickly; only the one that stays is checked. */
const pauseMs = 300;

// Read differently, the file may have other columns, so the whole page is loaded again.
mapping?.addEventListener('commit', ({ target }) => {
  globalThis.leadgate.returnTo(target.name);
  mapping.action = mapping.dataset.mapping;
  mapping.submit();
});

mapping?.addEventListener('change', (event) => {
  if (event.target.matches('[data-commit]')) return;
  clearTimeout(waiting);
  waiting = setTimeout(check, pauseMs);
});

async function check() {
  asked += 1;
  const mine = asked;
  mapping.setAttribute('aria-busy', 'true');
  const answer = await fetch(mapping.dataset.mapping, {
    method: 'POST',
    headers: { accept: 'text/html' },
    body: new URLSearchParams(new FormData(mapping)),
    redirect: 'manual',
  }).catch(() => null);
  // A later change has been sent; only its response counts.
  if (mine !== asked) return;
  mapping.removeAttribute('aria-busy');
  if (!answer?.ok) {
    globalThis.leadgate.say('The columns could not be checked. Wait a moment and choose again.');
    return;
  }
  const next = new DOMParser().parseFromString(await answer.text(), 'text/html');
  for (const region of document.querySelectorAll('[data-checked]')) {
    const fresh = next.querySelector(`[data-checked="${region.dataset.checked}"]`);
    if (fresh) region.replaceChildren(...document.importNode(fresh, true).childNodes);
  }
}
