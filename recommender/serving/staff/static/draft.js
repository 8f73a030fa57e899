"use strict";
// Adds to the form of a request: what is typed is saved, also when the page is left, and nothing is
// saved once the form was sent. One save follows another, so that none overwrites a later one.
const draft = document.getElementById("draft");
let isUnsaved = false;
let isSaving = false;
let isSent = false;
let saveLater = 0;

const save = async () => {
  if (isSaving || isSent) {
    return;
  }
  isSaving = true;
  isUnsaved = false;
  try {
    const answer = await sendForm(draft.dataset.post);
    if (answer.status !== 200) {
      throw new Error(answer.statusText);
    }
    const found = new DOMParser().parseFromString(await answer.text(), "text/html").body;
    draft.replaceChildren(...found.childNodes);
  } catch {
    isSaving = false;
    if (!isSent) {
      isUnsaved = true;
      draft.textContent = draft.dataset.failed;
    }
    return;
  }
  isSaving = false;
  if (isUnsaved) {
    save();
  }
};
form.addEventListener("input", () => {
  isUnsaved = true;
  isSent = false;
  clearTimeout(saveLater);
  saveLater = setTimeout(save, 700);
});
form.addEventListener("submit", () => {
  isSent = true;
});

addEventListener("pagehide", () => {
  if ((isUnsaved || isSaving) && !isSent) {
    sendForm(draft.dataset.post, { keepalive: true });
  }
});
