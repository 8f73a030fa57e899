"use strict";
// Adds to the form of a request: what was typed since the last save is saved when the page is left,
// and nothing is saved once the form was sent.
const typed = document.getElementById("intake");
const draft = document.getElementById("draft");
let isUnsaved = false;
let isSent = false;

typed.addEventListener("input", () => {
  isUnsaved = true;
  isSent = false;
});
typed.addEventListener("submit", () => {
  isSent = true;
});

let isSaving = false;
draft.addEventListener("htmx:beforeRequest", (event) => {
  if (isSent) {
    event.preventDefault();
    return;
  }
  isSaving = true;
  isUnsaved = false;
});
draft.addEventListener("htmx:afterRequest", (event) => {
  isSaving = false;
  if (event.detail.xhr.status !== 200) {
    isUnsaved = true;
    draft.textContent = draft.dataset.failed;
  }
});

addEventListener("pagehide", () => {
  if ((isUnsaved || isSaving) && !isSent) {
    fetch(draft.getAttribute("hx-post"), {
      method: "POST",
      keepalive: true,
      headers: { "HX-Request": "true", "Content-Type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams(new FormData(typed)).toString(),
    });
  }
});
