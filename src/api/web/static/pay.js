// The copy buttons of the details page: hidden without JavaScript, because they could not work.
for (const button of document.querySelectorAll('[data-copy]')) {
  const label = button.textContent;
  button.hidden = false;
  button.addEventListener('click', async () => {
    const source = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent);
      button.textContent = button.dataset.done;
      setTimeout(() => {
        button.textContent = label;
      }, 2000);
    } catch {
      // Not allowed to copy: the text is selected, so that the person can.
      getSelection().selectAllChildren(source);
    }
  });
}
